"""From a scenario's file to the value: validated, every error at once with its path."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from restore.checks.scenarios import values
from restore.checks.scenarios.filling import GIVEN, placeholders
from restore.errors import UsageError
from restore.model.codec import decode
from restore.model.schema import schema_errors

_ACTS: Final = ("call", "log_in", *values.PageKind)
_WAYS: Final = ("text", "label", "role", "selector")
_TARGETS: Final = {
    "click": ("",),
    "see": ("",),
    "gone": ("",),
    "fill": ("into",),
    "read": ("from",),
    "log_in": ("login", "password", "button"),
}
"""Where in an act its targets stand; "" is the act itself."""


def load_scenario(path: Path) -> values.Scenario:
    """Read a scenario's file.

    Raises:
        UsageError: it can't be read, or is wrong; all errors at once.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"scenario {path} can't be read: {error}",
            "name a YAML file; see docs/how-to/scenarios.md",
        ) from error
    return parse_scenario(text, str(path))


def parse_scenario(text: str, source: str) -> values.Scenario:
    """Turn a scenario's text into a ``Scenario``; ``source`` names it in errors.

    Raises:
        UsageError: the text is no YAML, breaks the schema, or uses a value before it is there;
            all errors at once.
    """
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"scenario {source} is not valid YAML: {error}") from error
    if errors := schema_errors("scenario", data) or list(_errors(data)):
        raise UsageError(
            f"scenario {source} is wrong:\n" + "\n".join(f"  {line}" for line in errors),
            "each option is described in docs/reference/scenarios.md",
        )
    return _scenario(data, source)


def _errors(data: dict[str, Any]) -> Iterator[str]:
    """What a schema can't see, of a document that keeps to it."""
    yield from _plain_errors(data, "")
    known, names = set(GIVEN), set[str]()
    for number, step in enumerate(data["steps"]):
        path = f"steps[{number}]"
        if step["name"] in names:
            yield f"{path}.name: another step is called {step['name']!r}"
        names.add(step["name"])
        acts = [act for act in _ACTS if act in step]
        if len(acts) != 1:
            told = ", ".join(acts) or "none"
            yield f"{path}: a step has exactly one act, this one has {told}"
            continue
        act = acts[0]
        yield from _target_errors(step, act, f"{path}.{act}")
        yield from _value_errors(step, act, f"{path}.{act}", known)
        if act == "call" and data.get("api") == values.Api.OPENERP and step["call"].get("keywords"):
            yield f"{path}.call.keywords: OpenERP's API takes none"
        if act in ("call", "read") and "remember" in step[act]:
            name = step[act]["remember"]
            if name in GIVEN:
                yield f"{path}.{act}.remember: {name!r} is given, choose another name"
            known.add(name)


def _target_errors(step: dict[str, Any], act: str, path: str) -> Iterator[str]:
    for place in _TARGETS.get(act, ()):
        target = step[act].get(place) if place else step[act]
        if not isinstance(target, dict):
            continue
        here = f"{path}.{place}" if place else path
        ways = [way for way in _WAYS if way in target]
        if len(ways) != 1:
            told = ", ".join(ways) or "none"
            yield f"{here}: needs exactly one of {', '.join(_WAYS)}, has {told}"
        elif "name" in target and ways != ["role"]:
            yield f"{here}.name: goes with a role"


def _plain_errors(value: Any, path: str) -> Iterator[str]:
    """What YAML knows and an API does not: dates, numbers that are none, keys that are no text."""
    match value:
        case dict():
            for key, item in value.items():
                if isinstance(key, str):
                    yield from _plain_errors(item, f"{path}.{key}".removeprefix("."))
                else:
                    yield f"{path}: the key {key!r} is no text, put it in quotes"
        case list():
            for number, item in enumerate(value):
                yield from _plain_errors(item, f"{path}[{number}]")
        case float() if not math.isfinite(value):
            yield f"{path}: {value} is no number to count with"
        case None | str() | bool() | int() | float():
            pass
        case _:
            yield f"{path}: a {type(value).__name__} can't be sent, put it in quotes"


def _value_errors(step: dict[str, Any], act: str, path: str, known: set[str]) -> Iterator[str]:
    used = dict.fromkeys(placeholders({key: step[key] for key in (act, "title") if key in step}))
    for name in used:
        if name not in known:
            yield f"{path}: nothing is remembered as {name!r} before this step"
    secret = list(placeholders(step["fill"]["text"])) if act == "fill" else []
    elsewhere = list(placeholders(step[act])).count("password") - secret.count("password")
    if elsewhere or "password" in placeholders(step.get("title", "")):
        yield f"{path}: {{password}} may stand in the text of a fill only"


def _scenario(data: dict[str, Any], source: str) -> values.Scenario:
    deadline = float(data.get("deadline", values.DEADLINE))
    return values.Scenario(
        name=data["name"],
        title=data["title"],
        api=values.Api(data.get("api", values.Api.ODOO)),
        steps=tuple(_step(item, deadline) for item in data["steps"]),
        source=source,
    )


def _step(data: dict[str, Any], deadline: float) -> values.ScenarioStep:
    (key,) = (act for act in _ACTS if act in data)
    act = _act(key, data[key])
    return values.ScenarioStep(
        name=data["name"],
        title=data.get("title", data["name"]),
        kind=key,
        act=act,
        deadline=float(data.get("deadline", deadline)),
        picture=data.get("picture", True) and not isinstance(act, values.Call),
        needs_account=isinstance(act, values.Call | values.LogIn)
        or not {"login", "password"}.isdisjoint(placeholders(data)),
    )


def _act(key: str, data: Any) -> values.Act:
    if key == "call":
        expect = data.get("expect", {})
        # A tuple tells an expected null from none.
        held = {name: (expect[name],) for name in ("equals", "contains") if name in expect}
        return decode(values.Call, {**data, "expect": {**expect, **held}})
    if key == "log_in":
        parts: dict[str, Any] = {
            name: one if name == "path" else _target(one) for name, one in data.items()
        }
        return values.LogIn(**parts)
    kind = values.PageKind(key)
    match kind:
        case values.PageKind.FILL:
            return values.OnPage(kind, data["text"], _target(data["into"]))
        case values.PageKind.READ:
            return values.OnPage(kind, data["remember"], _target(data["from"]))
        case values.PageKind.LOOK:
            return values.OnPage(kind)
    return (
        values.OnPage(kind, target=_target(data)) if key in _TARGETS else values.OnPage(kind, data)
    )


def _target(data: str | dict[str, Any]) -> values.Target:
    if isinstance(data, str):
        return values.Target("text", data)
    (way,) = (one for one in _WAYS if one in data)
    return values.Target(way, data[way], **{key: data[key] for key in data if key != way})
