"""Decides what is done, in which order, and touches nothing. Pure."""
