"""The small schema that the plug-in gives when asked: enough to know what it serves."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from . import NAME, VERSION
from .resource import Resource
from .schema import Kind, Prop

_TYPES: dict[Kind, dict[str, Any]] = {
    Kind.STRING: {"type": "string"},
    Kind.INTEGER: {"type": "integer"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.STRINGS: {"type": "array", "items": {"type": "string"}},
    Kind.STRING_MAP: {"type": "object", "additionalProperties": {"type": "string"}},
    Kind.OBJECT: {"$ref": "pulumi.json#/Any"},
    Kind.OBJECTS: {"type": "array", "items": {"$ref": "pulumi.json#/Any"}},
}


def schema_json(resources: Iterable[Resource]) -> str:
    """The package's schema as JSON text."""
    schema = {
        "name": NAME,
        "version": VERSION,
        "resources": {item.spec.token: _resource_schema(item) for item in resources},
    }
    return json.dumps(schema)


def _resource_schema(resource: Resource) -> dict[str, Any]:
    props = resource.spec.props
    return {
        "inputProperties": {name: _type(prop) for name, prop in props.items()},
        "requiredInputs": sorted(name for name, prop in props.items() if prop.required),
    }


def _type(prop: Prop) -> dict[str, Any]:
    return _TYPES[prop.kind]
