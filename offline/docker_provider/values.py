"""Property maps on the wire and in Python.

On the wire they are protobuf Structs, where unknown values, secrets and assets hide behind
well-known strings and keys. In Python they are plain dicts; `UNKNOWN` isn't known yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import struct_pb2  # type: ignore[import-untyped]

from .errors import ProviderError

Props = dict[str, Any]
"""Property names to values: str, int, float, bool, list, dict or UNKNOWN."""


class Unknown:
    """A value that only an update will know (a preview meets it)."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN: Final = Unknown()

_UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# The engine writes unknowns of other kinds (boolean, number, array, asset, archive, object) so.
_UNKNOWN_STRINGS = frozenset(
    {
        _UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a wire-format marker
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_UNSUPPORTED = {
    "c44067f5952c0a294b673a41bacd8c17": "an asset",
    "0def7320c3a5731c473e5ecbe6d01bc7": "an archive",
    "5cf8f73096256a8f31e491e813e4eb8e": "a resource",
}


def from_struct(struct: struct_pb2.Struct) -> Props:
    """The properties of a Struct; nulls are dropped, whole numbers become int, secrets are opened.

    Raises ProviderError for an asset, an archive or a resource reference.
    """
    return {
        name: _from_value(value)
        for name, value in struct.fields.items()
        if value.WhichOneof("kind") not in (None, "null_value")
    }


def _from_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text: str = value.string_value
        return UNKNOWN if text in _UNKNOWN_STRINGS else text
    if kind == "number_value":
        number: float = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_from_value(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _from_special(from_struct(value.struct_value))
    return None


def _from_special(props: Props) -> Any:
    signature = props.get(_SIGNATURE)
    if signature is None:
        return props
    if signature in (_SECRET, _OUTPUT):
        return props.get("value", UNKNOWN)
    what = _UNSUPPORTED.get(signature, "a value of an unknown kind")
    raise ProviderError(f"an input holds {what}, which no input of these resources takes")


def to_struct(props: Mapping[str, Any]) -> struct_pb2.Struct:
    """The Struct of some properties; None is dropped, UNKNOWN becomes the engine's marker."""
    struct = struct_pb2.Struct()
    struct.update(_marked(props))
    return struct


def _marked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _marked(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_marked(item) for item in value]
    return _UNKNOWN_STRING if value is UNKNOWN else value


def has_unknown(value: Any) -> bool:
    """Whether UNKNOWN is anywhere in a value."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: absent, zero, false, an empty string, list or map."""
    return value is not UNKNOWN and not value
