"""Settings files of stacks: ``Pulumi.<stack>.yaml`` beside the program."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from restore.errors import EnvironmentFailure, NotFoundError
from restore.model import LOCAL, Hosts, Role, locations
from restore.model.secret import MASK, Secret
from restore.model.stack_names import is_ephemeral

NAMESPACE: Final = "pra"
_TEST: Final = re.compile(r"test-[0-9a-f]{8}")
"""Stacks of the tests, whose settings file goes with the stack, as those of drills do."""


@dataclass(frozen=True, slots=True)
class StackSpec:
    """A stack to rebuild: its name, its settings, and the stack file that they come on top of.

    Names of settings are those of ``stacks.settings``, without the namespace; values are texts,
    lists and objects as JSON. ``base`` names a ``Pulumi.<base>.yaml``, whose settings are taken
    with its secrets, for a stack that has no file yet; None is no base.
    """

    name: str
    settings: tuple[tuple[str, str | Secret], ...]
    base: str | None = "drill"

    @property
    def secrets(self) -> tuple[tuple[str, Secret], ...]:
        """The settings that Pulumi encrypts, by their whole key."""
        return tuple(
            (f"{NAMESPACE}:{name}", value)
            for name, value in self.settings
            if isinstance(value, Secret)
        )

    def masked(self, text: str) -> str:
        """Mask the secrets, should a tool have repeated one."""
        for _, value in self.secrets:
            text = text.replace(value.reveal(), MASK) if value else text
        return text


def settings_file(stack: str) -> Path:
    """Where Pulumi keeps a stack's settings."""
    return locations.ROOT / f"Pulumi.{stack}.yaml"


def raw_settings(stack: str) -> tuple[dict[str, str], frozenset[str]]:
    """A stack's settings as Pulumi hands them to its program, without its namespace.

    Secrets can't be read without their passphrase: each is masked.

    Returns:
        The settings, lists and objects as JSON, and the names of those that are secrets.

    Raises:
        NotFoundError: the stack has no file.
        EnvironmentFailure: its file is damaged.
    """
    found: dict[str, str] = {}
    secret: set[str] = set()
    for key, value in _config(_read(settings_file(stack))).items():
        namespace, _, name = key.partition(":")
        if namespace != NAMESPACE:
            continue
        if isinstance(value, dict) and set(value) == {"secure"}:
            secret.add(name)
            found[name] = MASK
        else:
            found[name] = value if isinstance(value, str) else json.dumps(value)
    return found, frozenset(secret)


def write_settings(spec: StackSpec) -> None:
    """Write a stack's plain settings over those that it, or its base, has.

    Raises:
        NotFoundError: the base has no file.
        EnvironmentFailure: a file is damaged.
    """
    own = settings_file(spec.name)
    base = _read(own) if own.exists() else _read(settings_file(spec.base)) if spec.base else {}
    text = yaml.safe_dump(merged(base, spec), sort_keys=False, allow_unicode=True)
    own.write_text(text, encoding="utf-8")


def forget_settings(stack: str) -> None:
    """Remove the settings file of an ephemeral stack; others belong to the user."""
    if is_ephemeral(stack) or _TEST.fullmatch(stack):
        settings_file(stack).unlink(missing_ok=True)


def merged(base: Mapping[str, Any], spec: StackSpec) -> dict[str, Any]:
    """The content of a stack's settings file: its base's, with the plain settings on top.

    Secrets are not part of it; Pulumi encrypts and adds them.
    """
    plain = {
        f"{NAMESPACE}:{name}": _structured(value)
        for name, value in spec.settings
        if not isinstance(value, Secret)
    }
    return {**base, "config": {**_config(base), **plain}}


def setting_of(stack: str, name: str) -> str | None:
    """A plain setting in a stack's file; None when it is absent or secret.

    Raises:
        NotFoundError: the stack has no file.
        EnvironmentFailure: the file is damaged.
    """
    value = _config(_read(settings_file(stack))).get(f"{NAMESPACE}:{name}")
    return None if value is None or isinstance(value, dict | list) else str(value)


def stack_hosts(stack: str) -> Hosts:
    """On which Docker host a stack's file puts each server.

    Names and values are judged by the stack itself; those that are wrong count for nothing here.

    Raises:
        NotFoundError: the stack has no file.
        EnvironmentFailure: the file is damaged.
    """
    given = raw_settings(stack)[0].get("hosts", "{}")
    try:
        found = json.loads(given)
    except ValueError:
        found = {}
    if not isinstance(found, dict):
        return Hosts()
    return Hosts({role: str(found[role.setting]) for role in Role if found.get(role.setting)})


def hosts_if_known(stack: str) -> Hosts:
    """``stack_hosts``, all local for a stack that has no file any more."""
    try:
        return stack_hosts(stack)
    except NotFoundError:
        return Hosts()


def known_hosts() -> tuple[str, ...]:
    """Every Docker host that a stack file of this clone names, but the engine's own."""
    found = {host for name in stack_names() for host in stack_hosts(name).distinct(Role)}
    return tuple(sorted(found - {LOCAL}))


def stack_names() -> tuple[str, ...]:
    """The stacks that have a file in this clone."""
    files = sorted(locations.ROOT.glob("Pulumi.*.yaml"))
    return tuple(path.name[len("Pulumi.") : -len(".yaml")] for path in files)


def _config(content: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in a stack file, by their whole key."""
    given = (content.get("config") or {}).items()
    return {key if ":" in key else f"{NAMESPACE}:{key}": value for key, value in given}


def _structured(text: str) -> Any:
    """Pulumi keeps lists and objects as such; every scalar as a text."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(
            f"stack file {path} does not exist",
            "name one that does: drill, ci, staging"
            if locations.IS_CLONE
            else "copy one there from a clone of the repository, or run pra in the clone",
        ) from error
    except (OSError, yaml.YAMLError) as error:
        raise EnvironmentFailure(f"stack file {path} can't be read: {error}") from error
    return content if isinstance(content, dict) else {}
