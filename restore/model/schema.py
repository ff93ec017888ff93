"""Published JSON Schemas, and validation that reports every error at once with its path."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema_rs

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


@cache
def schema(name: str) -> dict[str, Any]:
    """Read ``schemas/<name>.schema.json``."""
    path = resources.files("restore.model") / "schemas" / f"{name}.schema.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def schema_errors(name: str, document: object) -> list[str]:
    """Every way in which a document breaks a schema, as ``path: what is wrong``."""
    if _is_valid(name, document):
        return []
    # It takes longer to import than the rest of a short command to run.
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    validator = Draft202012Validator(schema(name))
    errors = sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.path)))
    return [f"{_path(found)}: {_message(found)}" for error in errors for found in _causes(error)]


@cache
def _fast_validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema(name))


def _is_valid(name: str, document: object) -> bool:
    try:
        return _fast_validator(name).is_valid(document)
    except ValueError:  # a value that JSON can't hold, such as a date of YAML, or too deep a nest
        return False


def _causes(error: ValidationError) -> list[ValidationError]:
    """What is wrong with the alternative that was meant, where a schema offers several."""
    meant: dict[object, list[ValidationError]] = {}
    for inner in error.context or ():
        meant.setdefault(inner.schema_path[0], []).append(inner)
    fitting = [
        branch
        for branch in meant.values()
        if not any(inner.validator == "type" and not inner.path for inner in branch)
    ]
    return fitting[0] if error.validator == "anyOf" and len(fitting) == 1 else [error]


def _message(error: ValidationError) -> str:
    return "may not stand here" if error.validator_value == {} else error.message


def _path(error: ValidationError) -> str:
    path = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path
    )
    return path.removeprefix(".") or "(top)"
