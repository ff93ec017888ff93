"""The placeholders that a profile may hold, and the settings that its neutralisation is told."""

from __future__ import annotations

from typing import Final

KNOWN: Final = (
    "database", "databases", "external_url", "database_address", "database_port", "erp_role",
)  # fmt: skip
"""What post-operations and neutralisation may hold."""

CONFIGURATION: Final = (
    "database_address", "database_port", "database_uri", "erp_role", "erp_password", "role",
    "password", "own_secret", "databases", "database_filter", "external_url",
)  # fmt: skip
"""What ``set`` of a configuration file may hold."""

SETTINGS: Final = ("administrator", "administrator_password", "administrator_hash")
"""What a session that neutralises has been told, each as ``pra.NAME``."""
