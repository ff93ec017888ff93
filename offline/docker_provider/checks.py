"""Validators for single values: each returns why a value is wrong, or None when it's right."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from .durations import parse_duration

Validator = Callable[..., str | None]


def _rule(holds: Callable[[Any], object], must: str) -> Validator:
    return lambda value: None if holds(value) else f"{must}, not {value!r}"


def _reads(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def reads(value: str) -> bool:
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return reads


def one_of(*choices: str) -> Validator:
    """The value must be one of `choices`."""
    return _rule(choices.__contains__, f"must be one of {', '.join(choices)}")


def at_least(minimum: int) -> Validator:
    """The number must be at least `minimum`."""
    return _rule(lambda value: value >= minimum, f"must be at least {minimum}")


def matching(pattern: str, what: str) -> Validator:
    """The whole string must match `pattern`; `what` describes it for people."""
    return _rule(re.compile(pattern).fullmatch, f"must be {what}")


port = _rule(lambda value: 0 < value < 65536, "must be a port between 1 and 65535")
"""A TCP, UDP or SCTP port number."""

subnet = _rule(
    _reads(partial(ipaddress.ip_network, strict=False)), "must be a subnet such as '10.1.2.0/24'"
)
"""A subnet in CIDR form."""

address = _rule(_reads(ipaddress.ip_address), "must be an IP address")
"""An IPv4 or IPv6 address."""


def duration(value: str) -> str | None:
    """A Go duration of zero or more, such as `5s`, `1m30s` or `500ms`."""
    try:
        nanoseconds = parse_duration(value)
    except ValueError as error:
        return str(error)
    return None if nanoseconds >= 0 else f"must not be negative, not {value!r}"


def assignments(value: Collection[str]) -> str | None:
    """Environment variables: each `NAME=value`, or `NAME` alone to unset one of the image's."""
    nameless = any(item.startswith("=") or not item for item in value)
    return "each must be NAME=value; one has no name" if nameless else None


def no_empty(value: Collection[str]) -> str | None:
    """No empty string in a list."""
    return "values may not be empty" if "" in value else None
