"""Sections on restoring: procedure, checks, and what people do afterwards. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from restore.model import ArtifactKind, Role, StepKind
from restore.model.generation import PLAIN_FILE
from restore.plan.request import LATER
from restore.report.language import Locale
from restore.report.prerequisites import document as doc
from restore.report.prerequisites.backup import SYSTEM_USER
from restore.report.prerequisites.document import code
from restore.report.prerequisites.facts import Prerequisites
from stacks.outputs import REPOSITORY_PATH

STAGES: Final = (
    "select", "verify", "foresee", "rebuild", "plan", "replay", "check", "destroy",
)  # fmt: skip
"""The stages of a drill, in order."""

_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")


def procedure(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
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
    yield doc.paragraph(words, "restore.intro")
    yield doc.command(words, "restore.drill", drill)
    yield doc.paragraph(words, "restore.stages")
    yield doc.Items(tuple(words.text(f"stage.{name}") for name in STAGES), ordered=True)
    yield doc.paragraph(words, "restore.standing")
    yield doc.command(words, "restore.restore", restore)


def steps(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """The plan, step by step, with what each carries."""
    rows = (
        (
            str(number),
            words.phrase(step.title),
            step.target,
            words.size(step.bytes) if step.bytes else "",
        )
        for number, step in enumerate(given.plan.steps, 1)
    )
    yield doc.paragraph(words, "steps.intro")
    yield doc.table(
        words, rows, ("steps.number", 0.4, doc.NUMBER), ("steps.step", 2.7),
        ("steps.target", 2.3, doc.CODE), ("steps.volume", 0.8, doc.NUMBER),
    )  # fmt: skip


def commands(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """The commands of the plan's steps, complete."""
    argvs = tuple(
        doc.Command(
            words.text("commands.step", number=number, step=words.phrase(step.title)),
            tuple(_told_later(word, words) for word in step.argv),
        )
        for number, step in enumerate(given.plan.steps, 1)
        if step.argv
    )
    yield doc.paragraph(words, "commands.intro", user=SYSTEM_USER, mount=REPOSITORY_PATH)
    for step in given.plan.steps:
        if step.kind is StepKind.RESTORE_DATABASE and step.argv[0] == "psql":
            file = f"{step.source}/{PLAIN_FILE}"
            yield doc.paragraph(words, "commands.input", file=file)
    yield doc.Commands(argvs)


def _told_later(text: str, words: Locale) -> str:
    """A text of the plan, what the stack will know said in the document's language."""
    return text.replace(LATER, words.phrase(LATER))


def changes(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """What the new environment's configuration has otherwise than production's."""
    every = (*given.blueprint.changes, *(c for step in given.plan.steps for c in step.changes))
    if not every:
        return
    absent, empty = words.text("changes.absent"), words.text("changes.empty")
    # Production had no such key, and nothing is what the new server gets: a line each says no more.
    emptied = tuple(c for c in every if c.before is None and not c.after)
    # Two servers may have lost the same one.
    keys = ", ".join(dict.fromkeys(code(change.key) for change in emptied))
    rows = tuple(
        (
            change.file,
            change.key,
            absent if change.before is None else code(change.before) if change.before else empty,
            code(_told_later(words.phrase(change.after), words)) if change.after else empty,
        )
        for change in every
        if change not in emptied
    )
    yield doc.paragraph(words, "changes.what")
    yield doc.table(
        words, rows, ("changes.file", 1.3, doc.CODE), ("changes.key", 1.6, doc.CODE),
        ("changes.before", 1.6), ("changes.after", 1.8),
    )  # fmt: skip
    if emptied:
        yield doc.paragraph(words, "changes.emptied", keys=keys)


def checks(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """What a restore is judged by."""
    rows = (
        (words.phrase(check.title), words.phrase(check.expected), check.id)
        for check in given.checks
    )
    yield doc.paragraph(words, "checks.what")
    yield doc.table(
        words, rows, ("checks.check", 2.1), ("checks.expected", 1.9), ("checks.id", 2.7, doc.CODE)
    )
    if any(step.credentials for step in given.profile.web.steps):
        yield doc.paragraph(words, "checks.account", doc.Tone.NOTE)


def afterwards(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """What the engine leaves to people, and the profile's own operations where it has any."""
    tasks = (*_left_to_people(given, words), *_profile_operations(given, words))
    rows = ((str(number), what, owner) for number, (what, owner) in enumerate(tasks, 1))
    yield doc.paragraph(words, "post.intro")
    yield doc.table(
        words, rows, ("post.number", 0.4, doc.NUMBER), ("post.what", 4.4), ("post.owner", 1.2)
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
