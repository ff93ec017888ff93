"""Replays a backup generation of an ERP into an equivalent environment and judges the result."""

__version__ = "0.1.0"
