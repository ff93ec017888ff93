"""The inputs that a resource has now: after a refresh, and when it's imported."""

from __future__ import annotations

from .check import DEFAULTS
from .diff import matches
from .schema import ResourceSpec
from .values import Props, is_empty


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
