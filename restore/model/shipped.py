"""YAML files that ship with this package. What others wrote is not read by this module."""

from __future__ import annotations

from typing import Any

import yaml


def load_shipped(text: str) -> Any:
    """Parse a file that ships, by libyaml where it is there: in a tenth of the time.

    Text of others never comes here: nested deep enough, it ends the process in libyaml.
    """
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
