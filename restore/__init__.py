"""Replays a backup generation of an ERP into an equivalent environment and judges the result."""

__version__ = "0.2.0"
"""The one place of it: the package's metadata, `pra --version` and what is written take it."""
