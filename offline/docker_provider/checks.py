"""Validators for single values: each returns why a value is wrong, or None when it's right."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection

from .durations import parse_duration

Validator = Callable[..., str | None]


def one_of(*choices: str) -> Validator:
    """The value must be one of `choices`."""

    def validate(value: str) -> str | None:
        return None if value in choices else f"must be one of {', '.join(choices)}, not {value!r}"

    return validate


def at_least(minimum: int) -> Validator:
    """The number must be at least `minimum`."""

    def validate(value: int) -> str | None:
        return None if value >= minimum else f"must be at least {minimum}, not {value}"

    return validate


def port(value: int) -> str | None:
    """A TCP, UDP or SCTP port number."""
    return None if 0 < value < 65536 else f"must be a port between 1 and 65535, not {value}"


def matching(pattern: str, what: str) -> Validator:
    """The whole string must match `pattern`; `what` describes it for people."""

    def validate(value: str) -> str | None:
        return None if re.fullmatch(pattern, value) else f"must be {what}, not {value!r}"

    return validate


def duration(value: str) -> str | None:
    """A Go duration of zero or more, such as `5s`, `1m30s` or `500ms`."""
    try:
        nanoseconds = parse_duration(value)
    except ValueError as error:
        return str(error)
    return None if nanoseconds >= 0 else f"must not be negative, not {value!r}"


def subnet(value: str) -> str | None:
    """A subnet in CIDR form."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return f"must be a subnet such as '10.1.2.0/24', not {value!r}"
    return None


def address(value: str) -> str | None:
    """An IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return f"must be an IP address, not {value!r}"
    return None


def assignments(value: Collection[str]) -> str | None:
    """Environment variables: each `NAME=value`, or `NAME` alone to unset one of the image's."""
    nameless = any(item.startswith("=") or not item for item in value)
    return "each must be NAME=value; one has no name" if nameless else None


def no_empty(value: Collection[str]) -> str | None:
    """No empty string in a list."""
    return "values may not be empty" if "" in value else None
