"""Pulumi: stack files, outputs, and the rebuild of an environment."""
