"""Sections on restoring: procedure, checks, and what people do afterwards. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from restore.model import ArtifactKind, ConfigurationChange, Role, Step
from restore.plan.request import LATER
from restore.report.language import Locale
from restore.report.prerequisites.backup import SYSTEM_USER
from restore.report.prerequisites.document import (
    Block,
    Column,
    ColumnKind,
    Command,
    Commands,
    Items,
    Paragraph,
    Section,
    Table,
    Tone,
    code,
)
from restore.report.prerequisites.facts import Prerequisites
from stacks.outputs import REPOSITORY_PATH

STAGES: Final = (
    "select", "verify", "foresee", "rebuild", "plan", "replay", "check", "destroy",
)  # fmt: skip
"""The stages of a drill, in order."""

_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")


def procedure(given: Prerequisites, words: Locale) -> Section:
    """How a generation is restored: the commands, the stages, and the plan step by step."""
    common = (
        f"--profile={given.source}",
        f"--repository={given.repository}",
        f"--generation={given.generation.id}",
        f"--jobs={given.stack.jobs}",
        *chain.from_iterable(
            (f"--accept={item.key}", f"--reason={item.reason}") for item in given.stack.accepted
        ),
    )
    drill = ("pra", "drill", f"--stack={given.stack.name}", *common)
    restore = ("pra", "restore", "--stack=STACK", *common)
    return Section(
        "restore",
        "",
        words.text("restore.title"),
        (
            Paragraph(words.text("restore.intro")),
            Commands((Command(words.text("restore.drill"), drill),)),
            Paragraph(words.text("restore.stages")),
            Items(tuple(words.text(f"stage.{name}") for name in STAGES), ordered=True),
            Paragraph(words.text("restore.standing")),
            Commands((Command(words.text("restore.restore"), restore),)),
        ),
        tuple(_plan_sections(given, words)),
    )


def _plan_sections(given: Prerequisites, words: Locale) -> Iterator[Section]:
    yield _steps(given, words)
    yield _commands(given, words)
    changes = tuple(chain(given.blueprint.changes, *(step.changes for step in given.plan.steps)))
    if changes:
        yield _changes(changes, words)


def _steps(given: Prerequisites, words: Locale) -> Section:
    columns = (
        Column(words.text("steps.number"), 0.4, ColumnKind.NUMBER),
        Column(words.text("steps.step"), 2.7),
        Column(words.text("steps.target"), 2.3, ColumnKind.CODE),
        Column(words.text("steps.volume"), 0.8, ColumnKind.NUMBER),
    )
    rows = tuple(
        (
            str(number),
            words.phrase(step.title),
            step.target,
            words.size(step.bytes) if step.bytes else "",
        )
        for number, step in enumerate(given.plan.steps, 1)
    )
    return Section(
        "steps",
        "",
        words.text("steps.title"),
        (Paragraph(words.text("steps.intro")), Table(columns, rows)),
    )


def _commands(given: Prerequisites, words: Locale) -> Section:
    commands = tuple(
        Command(
            _caption(number, step, words), tuple(_told_later(word, words) for word in step.argv)
        )
        for number, step in enumerate(given.plan.steps, 1)
        if step.argv
    )
    intro = words.text("commands.intro", user=SYSTEM_USER, mount=REPOSITORY_PATH)
    return Section(
        "commands",
        "",
        words.text("commands.title"),
        (Paragraph(intro), Commands(commands)),
    )


def _told_later(text: str, words: Locale) -> str:
    """A text of the plan, what the stack will know said in the document's language."""
    return text.replace(LATER, words.phrase(LATER))


def _caption(number: int, step: Step, words: Locale) -> str:
    return words.text("commands.step", number=number, step=words.phrase(step.title))


def _changes(changes: tuple[ConfigurationChange, ...], words: Locale) -> Section:
    columns = (
        Column(words.text("changes.file"), 1.3, ColumnKind.CODE),
        Column(words.text("changes.key"), 1.6, ColumnKind.CODE),
        Column(words.text("changes.before"), 1.6),
        Column(words.text("changes.after"), 1.8),
    )
    absent, empty = words.text("changes.absent"), words.text("changes.empty")
    # Production had no such key, and nothing is what the new server gets: a line each says no more.
    emptied = tuple(c for c in changes if c.before is None and not c.after)
    # Two servers may have lost the same one.
    keys = ", ".join(dict.fromkeys(code(change.key) for change in emptied))
    rows = tuple(
        (
            change.file,
            change.key,
            absent if change.before is None else code(change.before) if change.before else empty,
            code(_told_later(words.phrase(change.after), words)) if change.after else empty,
        )
        for change in changes
        if change not in emptied
    )
    return Section(
        "changes",
        "",
        words.text("changes.title"),
        (
            Paragraph(words.text("changes.what")),
            Table(columns, rows),
            *((Paragraph(words.text("changes.emptied", keys=keys)),) if emptied else ()),
        ),
    )


def checks(given: Prerequisites, words: Locale) -> Section:
    """What a restore is judged by."""
    columns = (
        Column(words.text("checks.check"), 2.1),
        Column(words.text("checks.expected"), 1.9),
        Column(words.text("checks.id"), 2.7, ColumnKind.CODE),
    )
    rows = tuple(
        (words.phrase(check.title), words.phrase(check.expected), check.id)
        for check in given.checks
    )
    blocks: list[Block] = [Paragraph(words.text("checks.what")), Table(columns, rows)]
    if any(step.credentials for step in given.profile.web.steps):
        blocks.append(Paragraph(words.text("checks.account"), Tone.NOTE))
    return Section("checks", "", words.text("checks.title"), tuple(blocks))


def afterwards(given: Prerequisites, words: Locale) -> Section:
    """What the engine leaves to people, and the profile's own operations where it has any."""
    columns = (
        Column(words.text("post.number"), 0.4, ColumnKind.NUMBER),
        Column(words.text("post.what"), 4.4),
        Column(words.text("post.owner"), 1.2),
    )
    tasks = (*_left_to_people(given, words), *_profile_operations(given, words))
    rows = tuple((str(number), what, owner) for number, (what, owner) in enumerate(tasks, 1))
    return Section(
        "post",
        "",
        words.text("post.title"),
        (Paragraph(words.text("post.intro")), Table(columns, rows)),
    )


def _left_to_people(given: Prerequisites, words: Locale) -> Iterator[tuple[str, str]]:
    client, integrator = words.text("fact.client"), words.text("fact.integrator")
    yield words.text("post.users"), client
    imposed = _imposed(given)
    if imposed:
        values = ", ".join(
            code(f"{key} = {value}") if value else words.text("post.empty", name=code(key))
            for key, value in imposed
        )
        yield words.text("post.values", values=values), integrator
    if given.generation.artifacts_of(ArtifactKind.ROLES):
        yield words.text("post.passwords", role=given.blueprint.erp_role), integrator
    yield words.text("post.hba"), integrator
    yield words.text("post.out"), client
    if given.profile.checklist:
        # Which says the rest, and more.
        return
    yield words.text("post.url"), client
    yield words.text("post.outside"), f"{client}, {integrator}"
    yield words.text("post.capture"), client


def _imposed(given: Prerequisites) -> tuple[tuple[str, str], ...]:
    """Values of the ERP's configuration that are the profile's, whatever the environment is."""
    return tuple(
        (key, value)
        for file in given.profile.configuration_of(Role.ERP)
        for key, value in file.set
        if key not in file.secrets and not _PLACEHOLDER.search(value)
    )


def _profile_operations(given: Prerequisites, words: Locale) -> Iterator[tuple[str, str]]:
    """The profile's own checklist; its automated operations are steps of the plan."""
    for operation in given.profile.checklist:
        title = operation.title.of(words.language)
        instructions = operation.instructions.of(words.language)
        yield f"{title}. {instructions}", operation.owner.of(words.language)
