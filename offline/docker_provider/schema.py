"""The language in which resource types describe their inputs.

A table of `Prop` says what an input must look like, whether a change of it replaces the resource,
and when two values of it mean the same. Inputs that `stacks/` never uses are named to
be refused; both together are the argument class of the official SDK, and a test holds that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any

from .errors import CheckFailure
from .values import Props


class Kind(Enum):
    """The type of an input, worded for error messages."""

    STRING = "a string"
    INTEGER = "an integer"
    BOOLEAN = "a boolean"
    STRINGS = "a list of strings"
    STRING_MAP = "a map of strings"
    OBJECT = "an object"
    OBJECTS = "a list of objects"


@dataclass(frozen=True, slots=True)
class Prop:
    """One input.

    `replaces`: a change needs a new resource. `stays`: Docker changes it to another value in place
    but can't take it away, so that needs a new resource. `unordered`: order means nothing (a set
    upstream). `computed`: Docker fills it in when it's absent, so absence isn't a change.
    `validate` gives a reason why a value is wrong, or None. `canonical` maps values that mean the
    same to one value.
    """

    kind: Kind
    required: bool = False
    replaces: bool = True
    stays: bool = False
    unordered: bool = False
    computed: bool = False
    default: Any = None
    fields: Mapping[str, Prop] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    validate: Callable[[Any], str | None] | None = None
    canonical: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """A resource type: its token, its inputs, those that it refuses, its outputs.

    `outputs` are those that aren't inputs. `autonamed`: a missing `name` is made up.
    `delete_before_replace`: two can't live side by side, whatever the name.
    `cross_check` finds what is wrong between inputs that are right each by itself.
    """

    token: str
    props: Mapping[str, Prop]
    refused: tuple[str, ...]
    outputs: tuple[str, ...]
    autonamed: bool
    delete_before_replace: bool = False
    cross_check: Callable[[Props], Iterable[CheckFailure]] | None = None


string = partial(Prop, Kind.STRING)
integer = partial(Prop, Kind.INTEGER)
boolean = partial(Prop, Kind.BOOLEAN)
strings = partial(Prop, Kind.STRINGS)
string_map = partial(Prop, Kind.STRING_MAP)
one = partial(Prop, Kind.OBJECT)
"""A nested object, by its `fields`."""
many = partial(Prop, Kind.OBJECTS, unordered=True)
"""A list of nested objects; like the sets that they are upstream, their order means nothing."""


def labels(**options: Any) -> Prop:
    """Labels, as every resource takes them: objects of `label` and `value`."""
    fields = {"label": string(required=True), "value": string(required=True)}
    return many(fields=fields, **options)


def labels_to_docker(value: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """The labels of an input, as Docker's API takes them."""
    return {item["label"]: item["value"] for item in value or ()}


def labels_from_docker(value: Mapping[str, str] | None) -> list[Props]:
    """Docker's labels, as an output, sorted by name."""
    return [{"label": name, "value": text} for name, text in sorted((value or {}).items())]
