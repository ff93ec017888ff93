"""Signed records of runs."""
