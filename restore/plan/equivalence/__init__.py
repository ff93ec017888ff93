"""Differences between a backup and an environment. Pure."""
