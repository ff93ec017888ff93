"""Check: are the inputs right? Fills in defaults and names, as the official plug-in does."""

from __future__ import annotations

import difflib
import hashlib
import random
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from .errors import CheckFailure
from .schema import Kind, Prop, ResourceSpec
from .values import UNKNOWN, Props, has_unknown

DEFAULTS = "__defaults"
"""The input that lists which others were filled in; upstream's bridge keeps the same one."""

# The type of each kind of input, and that of what is in it.
_PYTHON_TYPES: Mapping[Kind, tuple[type, type | None]] = {
    Kind.STRING: (str, None),
    Kind.INTEGER: (int, None),
    Kind.BOOLEAN: (bool, None),
    Kind.STRINGS: (list, str),
    Kind.STRING_MAP: (dict, str),
    Kind.OBJECT: (dict, None),
    Kind.OBJECTS: (list, dict),
}

_MAX_NAME = 255
_HEX_DIGITS = 7


class NamingMode(Enum):
    """What the stack's `pulumi:autonaming` configuration wants of made-up names."""

    DEFAULT = "default"
    PROPOSED = "proposed"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Naming:
    """What a made-up name is made of: the resource's name, a seed, the stack's configuration."""

    resource: str
    seed: bytes = b""
    mode: NamingMode = NamingMode.DEFAULT
    proposed: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """The inputs with defaults and name filled in, or what is wrong with them."""

    inputs: Props
    failures: list[CheckFailure]


def check(spec: ResourceSpec, news: Props, olds: Props, naming: Naming) -> Checked:
    """Check new inputs against a resource type; `olds` are the former inputs, if any."""
    given = {name: value for name, value in news.items() if name != DEFAULTS}
    failures = list(_check_fields(spec.token, spec.props, spec.refused, given, ""))
    inputs, filled = dict(given), []
    for name, prop in spec.props.items():
        if prop.default is not None and name not in inputs:
            inputs[name] = prop.default
            filled.append(name)
    if spec.autonamed and "name" not in inputs:
        name_or_failure = _name(olds, naming)
        if isinstance(name_or_failure, CheckFailure):
            failures.append(name_or_failure)
        else:
            inputs["name"] = name_or_failure
            filled.append("name")
    if spec.cross_check and not failures:
        failures.extend(spec.cross_check(inputs))
    inputs[DEFAULTS] = sorted(filled)
    return Checked(inputs, failures)


def was_filled_in(inputs: Mapping[str, Any], name: str) -> bool:
    """Whether an input was made up by `check` rather than given by the program."""
    return name in inputs.get(DEFAULTS, ())


def _name(olds: Props, naming: Naming) -> str | CheckFailure:
    if was_filled_in(olds, "name") and olds.get("name"):
        return str(olds["name"])
    if naming.mode is NamingMode.DISABLED:
        return CheckFailure("name", "automatic naming is disabled in this stack: give a name")
    if naming.mode is NamingMode.PROPOSED and naming.proposed:
        return naming.proposed
    return made_up_name(naming.resource, naming.seed)


def made_up_name(resource: str, seed: bytes) -> str:
    """`<resource>-<7 hexadecimal digits>`: the same for the same seed, at random without one."""
    if seed:
        generator = random.Random(hashlib.sha256(seed).digest())  # noqa: S311 - no secret
        suffix = "".join(generator.choice("0123456789abcdef") for _ in range(_HEX_DIGITS))
    else:
        suffix = secrets.token_hex(_HEX_DIGITS)[:_HEX_DIGITS]
    return f"{resource[: _MAX_NAME - _HEX_DIGITS - 1]}-{suffix}"


def _check_fields(
    token: str, props: Mapping[str, Prop], refused: Collection[str], given: Props, at: str
) -> Iterator[CheckFailure]:
    for name, value in given.items():
        path = f"{at}.{name}" if at else name
        if name in props:
            yield from _check_value(token, props[name], value, path)
        elif name in refused:
            reason = f"input `{path}` of {token} isn't supported by the offline plug-in"
            yield CheckFailure(path, f"{reason}; the official plug-in has it")
        else:
            near = difflib.get_close_matches(name, [*props, *refused], n=1)
            suggestion = f"; did you mean `{near[0]}`?" if near else ""
            yield CheckFailure(path, f"{token} has no input `{path}`{suggestion}")
    for name, prop in props.items():
        if prop.required and name not in given:
            path = f"{at}.{name}" if at else name
            yield CheckFailure(path, f"input `{path}` of {token} is required")


def _check_value(token: str, prop: Prop, value: Any, path: str) -> Iterator[CheckFailure]:
    if value is UNKNOWN:
        return
    if not _fits(prop.kind, value):
        yield CheckFailure(path, f"input `{path}` of {token} must be {prop.kind.value}")
        return
    if prop.kind is Kind.OBJECT:
        yield from _check_fields(token, prop.fields, prop.refused, value, path)
    elif prop.kind is Kind.OBJECTS:
        for index, item in enumerate(value):
            if item is not UNKNOWN:
                where = f"{path}[{index}]"
                yield from _check_fields(token, prop.fields, prop.refused, item, where)
    if prop.validate and not has_unknown(value):
        reason = prop.validate(value)
        if reason:
            yield CheckFailure(path, f"input `{path}` of {token}: {reason}")


def _fits(kind: Kind, value: Any) -> bool:
    outer, inner = _PYTHON_TYPES[kind]
    if not isinstance(value, outer) or (outer is int and isinstance(value, bool)):
        return False
    if inner is None:
        return True
    items = cast("Iterable[Any]", value.values() if isinstance(value, dict) else value)
    return all(item is UNKNOWN or isinstance(item, inner) for item in items)
