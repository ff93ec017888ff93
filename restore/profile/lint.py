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
from restore.model.upgrade import COLUMNS, COMMAND, MODULES, ROWS, TECHNICAL
from restore.profile import (
    DocumentTree,
    NeutralisationAct,
    OperationCheck,
    OperationTime,
    PostOperation,
    Profile,
    ReportsProfile,
    UpgradeProfile,
    WebStep,
    parse_profile,
)
from restore.profile.placeholders import CONFIGURATION, KNOWN, SETTINGS

_PLACEHOLDER: Final = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_WORD: Final = re.compile(r"\{([a-z_]+)\}")
"""A placeholder of SQL and commands, which may have braces around numbers of their own."""
_ACCOUNT: Final = frozenset({"login", "password"})
_GIVEN: Final = frozenset({"database", *_ACCOUNT})
"""What a web scenario knows before its first step."""

_SETTING: Final = re.compile(r"current_setting\('pra\.([a-z_]+)'")
_CHECKS: Final = frozenset({"configuration", "page", "uncovered"})
"""Names of checks of a copy that are no rule's."""

REPORTS: Final = "reports-"
"""How the names begin of the checks of a copy's reports server."""

_MEASURES: Final = (COMMAND, MODULES, COLUMNS, ROWS, TECHNICAL)
"""Names of what is measured of every upgrade."""


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
    yield from _twice("post_operations", (one.name for one in profile.post_operations))
    for number, operation in enumerate(profile.post_operations):
        yield from _operation(f"post_operations[{number}]", operation, profile)
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
        yield from _pattern(f"{path}.fetch.base64", tree.fetch.base64, groups=1)
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
            yield from _pattern(f"{path}.capture.{name}", pattern, groups=1)
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


def _operation(path: str, operation: PostOperation, profile: Profile) -> Iterator[str]:
    for key, text in _texts(operation):
        yield from _unknown(f"{path}.{key}", text)
    if operation.command and operation.when is OperationTime.BEFORE_START:
        yield f"{path}.when: a command needs a server that runs: after-start"
    if operation.server.as_erp and profile.reports is None:
        yield f"{path}.server: the profile has no reports server"
    if operation.where is not None and operation.sql is None:
        yield f"{path}.where: needs sql, which is then left out"


def _texts(operation: PostOperation) -> Iterator[tuple[str, str]]:
    check = operation.check or OperationCheck()
    texts = {
        "sql": (operation.sql,),
        "where": (operation.where,),
        "command": operation.command,
        "check.sql": (check.sql,),
        "check.path": (check.path,),
        "check.expected": (check.expected,),
        "check.command": check.command,
    }
    return ((key, text) for key, found in texts.items() for text in found if text is not None)


def _unknown(path: str, text: str) -> Iterator[str]:
    for name in dict.fromkeys(_WORD.findall(text)):
        if name not in KNOWN:
            yield f"{path}: no {{{name}}}; known: {', '.join(KNOWN)}"


def neutralisation_problems(profile: Profile) -> Iterator[str]:
    """Names that stand there twice or lead nowhere."""
    yield from _neutralisation("neutralisation", "ERP", profile)
    if profile.reports is not None:
        yield from _neutralisation("neutralisation.reports", "reports", profile.reports.server)


def _neutralisation(path: str, server: str, profile: Profile) -> Iterator[str]:
    neutralisation = profile.neutralisation
    if neutralisation is None:
        return
    names = [rule.name for rule in neutralisation.rules]
    yield from _twice(f"{path}.rules", names)
    for name in dict.fromkeys(names):
        if name in _CHECKS or name.startswith(REPORTS):
            yield f"{path}.rules: {name} is the name of a check of the engine's own"
    files = {file.name for file in profile.configuration_of(Role.ERP)}
    for name, _ in neutralisation.configuration:
        if name not in files:
            yield f"{path}.configuration: the {server} server has no file {name}"
    for number, rule in enumerate(neutralisation.rules):
        for place, act in enumerate(rule.acts):
            yield from _act(f"{path}.rules[{number}].acts[{place}]", act)


def _act(path: str, act: NeutralisationAct) -> Iterator[str]:
    texts = (*(("sql", text) for text in act.sql), ("proof", act.proof or ""))
    for key, text in texts:
        yield from _unknown(f"{path}.{key}", text)
        for name in dict.fromkeys(_SETTING.findall(text)):
            if name not in SETTINGS:
                known = ", ".join(f"pra.{one}" for one in SETTINGS)
                yield f"{path}.{key}: no pra.{name}; known: {known}"


def upgrade_problems(profile: UpgradeProfile) -> Iterator[str]:
    """Everything that is wrong, as ``path: what is wrong``."""
    if not any("{database}" in word for word in profile.command):
        yield "upgrade.command: names no {database}, so that one would be upgraded again and again"
    names = (*(one.name for one in profile.invariants), *(one.name for one in profile.served))
    for name, number in Counter((*_MEASURES, *names)).items():
        if number > 1:
            why = "is the engine's own" if name in _MEASURES else f"stands there {number} times"
            yield f"upgrade: {name} {why}"
    lists = {
        "ready": (profile.ready,),
        "errors": profile.errors,
        "harmless": profile.harmless,
        "technical": profile.technical,
    }
    for key, patterns in lists.items():
        for pattern in patterns:
            yield from _pattern(f"upgrade.{key}", pattern)
    for things in profile.served:
        if things.problem is not None:
            path = f"upgrade.served.{things.name}.problem"
            yield from _pattern(path, things.problem, groups=1)


def _pattern(path: str, pattern: str, groups: int = 0) -> Iterator[str]:
    """What is wrong with a regular expression of a profile, which must have that many groups."""
    try:
        found = re.compile(pattern).groups
    except re.error as error:
        yield f"{path}: no regular expression: {error}"
        return
    if found < groups:
        yield f"{path}: has no group, which would hold the value"
