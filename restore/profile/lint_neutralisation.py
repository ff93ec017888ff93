"""What a schema can't see in how a profile neutralises copies. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from restore.model import Role
from restore.profile import Neutralisation, NeutralisationAct, Profile
from restore.profile.placeholders import KNOWN, SETTINGS

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
_SETTING: Final = re.compile(r"current_setting\('pra\.([a-z_]+)'")
_RESERVED: Final = frozenset({"configuration", "page", "uncovered"})
"""Names of checks that are no rule's."""

REPORTS: Final = "reports-"
"""How the names begin of the checks of a copy's reports server."""


def neutralisation_problems(profile: Profile) -> Iterator[str]:
    """Names that stand there twice or lead nowhere."""
    yield from _of("neutralisation", "ERP", profile)
    if profile.reports is not None:
        yield from _of("neutralisation.reports", "reports", profile.reports.server)


def _of(path: str, server: str, profile: Profile) -> Iterator[str]:
    neutralisation = profile.neutralisation
    if neutralisation is None:
        return
    yield from _names(f"{path}.rules", neutralisation)
    files = {file.name for file in profile.configuration_of(Role.ERP)}
    for name, _ in neutralisation.configuration:
        if name not in files:
            yield f"{path}.configuration: the {server} server has no file {name}"
    for number, rule in enumerate(neutralisation.rules):
        for place, act in enumerate(rule.acts):
            yield from _act(f"{path}.rules[{number}].acts[{place}]", act)


def _names(path: str, neutralisation: Neutralisation) -> Iterator[str]:
    for name, times in Counter(rule.name for rule in neutralisation.rules).items():
        if times > 1:
            yield f"{path}: {name} stands there {times} times"
        if name in _RESERVED or name.startswith(REPORTS):
            yield f"{path}: {name} is the name of a check of the engine's own"


def _act(path: str, act: NeutralisationAct) -> Iterator[str]:
    texts = (*(("sql", text) for text in act.sql), ("proof", act.proof or ""))
    for key, text in texts:
        for name in dict.fromkeys(_PLACEHOLDER.findall(text)):
            if name not in KNOWN:
                yield f"{path}.{key}: no {{{name}}}; known: {', '.join(KNOWN)}"
        for name in dict.fromkeys(_SETTING.findall(text)):
            if name not in SETTINGS:
                known = ", ".join(f"pra.{one}" for one in SETTINGS)
                yield f"{path}.{key}: no pra.{name}; known: {known}"
