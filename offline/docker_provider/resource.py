"""What each resource type must be able to do, and what it gets for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from docker import APIClient
from docker import errors as docker_errors

from .errors import DOCKER_ERRORS, ProviderError, daemon_message, failed
from .schema import Kind, ResourceSpec
from .values import UNKNOWN, Props
from .waiting import Waiter


@dataclass(frozen=True, slots=True)
class Context:
    """What an operation works with: a Docker client of the thread's own, and the waiter."""

    client: APIClient
    waiter: Waiter


@dataclass(frozen=True, slots=True)
class Created:
    """A resource that exists: its identity and its outputs."""

    id: str
    outputs: Props


class Resource(ABC):
    """A resource type. Every method raises ProviderError, worded for people, when it fails."""

    spec: ResourceSpec

    @abstractmethod
    def create(self, context: Context, inputs: Props) -> Created:
        """Make it; whatever was made is removed again when this fails."""

    @abstractmethod
    def read(self, context: Context, identity: str, state: Props) -> Created | None:
        """Its outputs now, or None when it's gone. An empty `state` means import."""

    @abstractmethod
    def delete(self, context: Context, identity: str, state: Props) -> None:
        """Remove it; that it's gone already is success."""

    def update(self, context: Context, identity: str, state: Props, news: Props) -> Props:
        """Change it in place; the new outputs. By itself, nothing changes but bookkeeping."""
        found = self.read(context, identity, known_inputs(news))
        if found is None:
            raise ProviderError(f"{identity} is gone", "run `pulumi refresh`, then again")
        return found.outputs

    def normalise(self, context: Context, state: Props, old_inputs: Props, news: Props) -> Props:
        """`news` with inputs that only the daemon can compare in the words of the state."""
        return news

    def read_made(self, context: Context, identity: str, inputs: Props) -> Created:
        """What Docker says of a resource that was just made."""
        found = self.read(context, identity, known_inputs(inputs))
        if found is None:
            raise ProviderError(f"{inputs['name']} vanished right after it was created")
        return found


def look_up(ask: Callable[[str], Any], name: str, action: str) -> dict[str, Any] | None:
    """What Docker says of something, or None when it isn't there; `action` names it in errors."""
    try:
        found: dict[str, Any] = ask(name)
    except docker_errors.NotFound:
        return None
    except DOCKER_ERRORS as error:
        raise failed(action, error) from error
    return found


def remove_when_free(
    context: Context, remove: Callable[[], object], action: str, busy: str, seconds: float
) -> Exception | None:
    """Remove something, waiting while Docker says that it is `busy`; its last word if in vain.

    That it's gone already is success.
    """
    last: list[Exception] = []

    def gone() -> bool:
        try:
            remove()
        except docker_errors.NotFound:
            return True
        except DOCKER_ERRORS as error:
            if busy not in daemon_message(error):
                raise failed(action, error) from error
            last[:] = [error]
            return False
        return True

    return None if context.waiter.until(gone, seconds) else last[0]


def preview_outputs(spec: ResourceSpec, inputs: Props) -> Props:
    """The outputs of a resource yet to be made: inputs, and unknown for what Docker will say."""
    outputs = {name: value for name, value in inputs.items() if not name.startswith("__")}
    for name, prop in spec.props.items():
        if prop.computed and name not in outputs:
            outputs[name] = UNKNOWN
        elif prop.kind is Kind.OBJECTS and isinstance(outputs.get(name), list):
            computed = {field for field, nested in prop.fields.items() if nested.computed}
            outputs[name] = [
                {**dict.fromkeys(computed, UNKNOWN), **item} if isinstance(item, dict) else item
                for item in outputs[name]
            ]
    return {**dict.fromkeys(spec.outputs, UNKNOWN), **outputs}


def known_inputs(inputs: Props) -> Props:
    """Inputs without the plug-in's own bookkeeping: what outputs start from."""
    return {name: value for name, value in inputs.items() if not name.startswith("__")}
