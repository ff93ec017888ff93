"""What a schema can't see in a profile: names that lead nowhere, patterns that match nothing. Pure.

All of it is told at once, each with its path, as the schema's own errors are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, Final

import yaml

from restore.model import Role
from restore.model.schema import schema_errors
from restore.profile import DocumentTree, Profile, ReportsProfile, WebStep, parse_profile
from restore.profile.lint_neutralisation import neutralisation_problems
from restore.profile.lint_operations import operation_problems
from restore.profile.lint_upgrade import pattern_problems, upgrade_problems
from restore.profile.placeholders import CONFIGURATION

_PLACEHOLDER: Final = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_ACCOUNT: Final = frozenset({"login", "password"})
_GIVEN: Final = frozenset({"database", *_ACCOUNT})
"""What a web scenario knows before its first step."""


def profile_errors(text: str) -> tuple[str, ...]:
    """Everything that is wrong with a profile's text, as ``path: what is wrong``; none if valid."""
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return (f"(top): not valid YAML: {error}",)
    if errors := schema_errors("profile", document):
        return tuple(errors)
    return tuple(_problems(parse_profile(text, "it")))


def _problems(profile: Profile) -> Iterator[str]:
    yield from _twice("configuration", (f"{f.server}/{f.name}" for f in profile.configuration))
    yield from _twice("documents", (tree.name for tree in profile.documents))
    yield from _twice("web.steps", (step.name for step in profile.web.steps))
    yield from _twice("erp.data", (mount.volume for mount in profile.erp.data))
    yield from _configuration(profile)
    if profile.reports is not None:
        yield from _reports(profile.reports)
    for number, tree in enumerate(profile.documents):
        yield from _documents(f"documents[{number}]", tree, profile)
    yield from _web(profile.web.steps)
    yield from operation_problems(profile)
    yield from neutralisation_problems(profile)
    if profile.upgrade is not None:
        yield from upgrade_problems(profile.upgrade)


def _twice(path: str, names: Iterable[str]) -> Iterator[str]:
    for name, number in Counter(names).items():
        if number > 1:
            yield f"{path}: {name} stands there {number} times"


def _reports(reports: ReportsProfile) -> Iterator[str]:
    files = reports.server.configuration
    yield from _twice("reports.configuration", (f"{file.server}/{file.name}" for file in files))
    for number, file in enumerate(files):
        yield from _settings(f"reports.configuration[{number}].set", file.set)
    yield from _settings("reports.data_source", reports.data_source, ("database",))


def _settings(
    path: str, templates: tuple[tuple[str, str], ...], more: tuple[str, ...] = ()
) -> Iterator[str]:
    known = {*CONFIGURATION, *more}
    for key, template in templates:
        for name in re.findall(r"\{([^{}]*)\}", template):
            if name not in known:
                yield f"{path}.{key}: no {{{name}}}; known: {', '.join(sorted(known))}"


def _configuration(profile: Profile) -> Iterator[str]:
    for number, file in enumerate(profile.configuration):
        yield from _settings(f"configuration[{number}].set", file.set)
    files = profile.configuration_of(Role.ERP)
    if not any(file.section is not None or file.format != "postgresql" for file in files):
        keys = " and ".join(profile.erp.login_keys)
        yield f"configuration: no file of the ERP server has a section to read {keys} from"


def _documents(path: str, tree: DocumentTree, profile: Profile) -> Iterator[str]:
    parent = PurePosixPath(tree.path).parent
    if not any(parent.is_relative_to(mount.path) for mount in profile.erp.data):
        yield f"{path}.path: on no volume of erp.data"
    if tree.fetch is None:
        return
    if tree.rows is None:
        yield f"{path}.fetch: needs rows, which tells what to fetch"
    if tree.fetch.base64 is not None:
        yield from pattern_problems(f"{path}.fetch.base64", tree.fetch.base64, groups=1)
    used = _names((tree.fetch.path, tree.fetch.headers, tree.fetch.json))
    captured = {name for step in profile.web.steps for name, _ in step.capture}
    for name in sorted(used - _GIVEN - captured - {"id"}):
        yield f"{path}.fetch: no step of the web scenario captures {{{name}}}"


def _web(steps: tuple[WebStep, ...]) -> Iterator[str]:
    known = set(_GIVEN)
    for number, step in enumerate(steps):
        path = f"web.steps[{number}]"
        used = _names((step.path, step.headers, step.form, step.json))
        for name in sorted(used - known):
            yield f"{path}: no earlier step captures {{{name}}}"
        if used & _ACCOUNT and not step.credentials:
            yield f"{path}: uses the account, so it needs credentials: true"
        for name, pattern in step.capture:
            yield from pattern_problems(f"{path}.capture.{name}", pattern, groups=1)
            known.add(name)


def _names(value: Any) -> set[str]:
    """The placeholders in all texts of a value."""
    if isinstance(value, str):
        return set(_PLACEHOLDER.findall(value))
    if isinstance(value, dict):
        return _names(tuple(value.values()))
    if isinstance(value, list | tuple):
        return {name for item in value for name in _names(item)}
    return set()
