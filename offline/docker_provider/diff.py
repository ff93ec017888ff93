"""Diff: which inputs differ from what exists, and does the difference need a new resource?

And the inputs that a resource has now: after a refresh, and when it's imported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .check import DEFAULTS, was_filled_in
from .schema import Kind, Prop, ResourceSpec
from .values import UNKNOWN, Props, is_empty


class Change(Enum):
    """How an input changed."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """One changed input; `inputs_changed` is false when only the outside world did."""

    change: Change
    replaces: bool
    inputs_changed: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """All changed inputs by name, and whether the old resource must go before the new comes."""

    changes: dict[str, PropertyChange] = field(default_factory=dict)
    delete_before_replace: bool = False

    @property
    def replaces(self) -> list[str]:
        """Names of the inputs whose change needs a new resource."""
        return [name for name, change in self.changes.items() if change.replaces]


def diff(
    spec: ResourceSpec,
    state: Props,
    old_inputs: Props,
    news: Props,
    ignored: Collection[str] = (),
) -> Difference:
    """Compare checked inputs (`news`) with the state and the inputs that it came from.

    The state wins where it tells: a refresh brings what was changed by hand. An input that is
    absent now counts as changed when it was given before, or when Docker holds something in its
    place which it wouldn't by itself.
    """
    changes: dict[str, PropertyChange] = {}
    for name, prop in spec.props.items():
        if name in ignored:
            continue
        change = _change(prop, name, state, old_inputs, news)
        if change is not None:
            inputs_changed = old_inputs.get(name) != news.get(name)
            replaces = prop.replaces or (prop.stays and is_empty(news.get(name)))
            changes[name] = PropertyChange(change, replaces, inputs_changed)
    replaced = any(change.replaces for change in changes.values())
    # Two resources can't bear the same name; a made-up name changes with the replacement.
    same_name = news.get("name") == old_inputs.get("name") and not was_filled_in(news, "name")
    return Difference(changes, replaced and (spec.delete_before_replace or same_name))


def _change(prop: Prop, name: str, state: Props, old_inputs: Props, news: Props) -> Change | None:
    old = state.get(name, old_inputs.get(name))
    if name in news:
        if old is None:
            return None if is_empty(news[name]) else Change.ADD
        return None if matches(prop, news[name], old) else Change.UPDATE
    if name in old_inputs:
        return None if is_empty(old_inputs[name]) else Change.DELETE
    return None if prop.computed or is_empty(old) else Change.DELETE


def matches(prop: Prop, new: Any, old: Any) -> bool:
    """Whether an input asks for what is there already. An unknown input never does."""
    if new is UNKNOWN or old is UNKNOWN:
        return False
    if prop.kind is Kind.OBJECT:
        return isinstance(old, Mapping) and _fields_match(prop, new, old)
    if prop.kind is Kind.OBJECTS:
        return _lists_match(prop, new, old or [])
    if prop.kind is Kind.STRINGS:
        return _strings(prop, new) == _strings(prop, old or [])
    if is_empty(new) and is_empty(old):
        return True
    return bool(_canonical(prop, new) == _canonical(prop, old))


def _strings(prop: Prop, value: list[Any]) -> list[Any]:
    items = [_canonical(prop, item) for item in value]
    return sorted(items, key=repr) if prop.unordered else items


def _canonical(prop: Prop, value: Any) -> Any:
    return prop.canonical(value) if prop.canonical and isinstance(value, str) else value


def _fields_match(prop: Prop, new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    for name, nested in prop.fields.items():
        if name in new:
            base = old.get(name, nested.default)
            if base is None and not is_empty(new[name]):
                return False
            if base is not None and not matches(nested, new[name], base):
                return False
        elif not (nested.computed or is_empty(old.get(name)) or old[name] == nested.default):
            return False
    return True


def _lists_match(prop: Prop, new: list[Any], old: list[Any]) -> bool:
    if len(new) != len(old):
        return False
    if not prop.unordered:
        return all(_item_matches(prop, a, b) for a, b in zip(new, old, strict=True))
    left = list(old)
    for item in new:
        found = next((other for other in left if _item_matches(prop, item, other)), None)
        if found is None:
            return False
        left.remove(found)
    return True


def _item_matches(prop: Prop, new: Any, old: Any) -> bool:
    return new is not UNKNOWN and old is not UNKNOWN and _fields_match(prop, new, old)


def refreshed_inputs(spec: ResourceSpec, inputs: Props, state: Props, now: Props) -> Props:
    """Former inputs, with the value of now in place of each that the outside world changed.

    An input whose output didn't change stays word for word, so that a refresh of something that
    nobody touched shows nothing.
    """
    refreshed = dict(inputs)
    for name, prop in spec.props.items():
        if name not in inputs or name not in now or now[name] == state.get(name):
            continue
        if now[name] is not None and not matches(prop, inputs[name], now[name]):
            refreshed[name] = now[name]
    return refreshed


def imported_inputs(spec: ResourceSpec, now: Props) -> Props:
    """Inputs that describe an existing resource: neither defaults nor what Docker chose."""
    inputs = {name: prop.default for name, prop in spec.props.items() if prop.default is not None}
    filled = set(inputs)
    for name, prop in spec.props.items():
        value = now.get(name)
        chosen_by_docker = prop.computed and name not in ("envs", "labels")
        if not is_empty(value) and not chosen_by_docker and value != prop.default:
            inputs[name] = value
            filled.discard(name)
    return {**inputs, DEFAULTS: sorted(filled)}
