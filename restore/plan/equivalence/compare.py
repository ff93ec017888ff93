"""The backup's fingerprint held against an environment's: difference by difference. Pure.

What is not known of an environment (None, an empty version, number 0) makes no difference: an
environment is compared twice, before it is made, from its images, and once it stands.

| key | blocking | warning |
|---|---|---|
| ``generation.clock`` | made later than now | |
| ``postgresql.major`` | older than the dump's | newer |
| ``postgresql.minor`` | | another patch level |
| ``postgresql.encoding`` | not supported | |
| ``postgresql.collation:NAME`` (of ICU: ``icu:NAME``) | not available | |
| ``postgresql.collation-version:NAME`` | | sorts by other rules (a restore rebuilds indexes) |
| ``postgresql.extension:NAME`` | not available | another version |
| ``erp.series`` | another, or unknown to the profile | |
| ``erp.release`` | | another |
| ``erp.module:NAME`` | installed there, not available here | |
| ``os.SERVER``, ``image.SERVER`` | | another |

SERVER is ``database``, ``erp`` or ``proxy``. Sizing, addresses and URL are compared in
``equivalence_nodes``, certificates judged in ``certificate``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from restore import model
from restore.errors import UsageError
from restore.model import Difference, Severity
from restore.model.messages import message
from restore.plan.equivalence import certificate, locales, servers
from restore.plan.equivalence.locales import collation_differences
from restore.profile import Profile

KEYS: Final = (
    "generation.clock",
    "postgresql.major",
    "postgresql.minor",
    "postgresql.encoding",
    "erp.series",
    "erp.release",
    *(f"{what}.{server}" for what in ("os", "image") for server in servers.SERVERS),
    *servers.KEYS,
    *certificate.KEYS,
)
"""Keys of differences that can be there once."""

FAMILIES: Final = (*locales.FAMILIES, "postgresql.extension:", "erp.module:")
"""Beginnings of keys that go on with a name."""

REPORTS: Final = "reports/"
"""Beginning of the keys of differences of the reports server and its database server."""

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far production's clock may be ahead of this machine's."""

_BUILT_IN_EXTENSION: Final = "plpgsql"


def compare(
    fingerprint: model.Fingerprint, facts: model.EnvironmentFacts
) -> tuple[Difference, ...]:
    """Every difference between a backup and an environment, blocking ones first."""
    found = [
        *_postgresql_version(fingerprint.postgresql, facts.postgresql),
        *_encodings(fingerprint.databases, facts.encodings),
        *collation_differences(fingerprint.databases, facts.collations),
        *_extensions(fingerprint.databases, facts.extensions),
        *_erp_version(fingerprint, facts),
        *_modules(fingerprint.databases, facts.modules),
    ]
    for name, backup, here in servers.pairs(fingerprint, facts):
        found += _server(name, backup, here)
    return ordered((*found, *servers.node_differences(fingerprint, facts)))


def series_difference(fingerprint: model.Fingerprint, profile: Profile) -> tuple[Difference, ...]:
    """The difference of a backup whose ERP series the profile doesn't know; else none."""
    if not fingerprint.erp_series or fingerprint.erp_series in profile.erp.series:
        return ()
    known, series = ", ".join(profile.erp.series), fingerprint.erp_series
    text = message(
        "profile {name} knows series {known}, not {series}",
        name=profile.name,
        known=known,
        series=series,
    )
    return (Difference("erp.series", Severity.BLOCKING, series, known, text),)


def clock_difference(generation: model.Generation, now: datetime) -> tuple[Difference, ...]:
    """The difference of a generation that says it was made later than now; else none."""
    moment = generation.consistency_point
    if moment <= now + CLOCK_TOLERANCE:
        return ()
    text = message(
        "the generation was made in the future: production's clock or this machine's "
        "is wrong, and the latest generation may be another",
    )
    times = f"{moment:%Y-%m-%d %H:%M:%S} UTC", f"{now:%Y-%m-%d %H:%M:%S} UTC"
    return (Difference("generation.clock", Severity.BLOCKING, *times, text),)


def accept(
    differences: Sequence[Difference], acceptances: Sequence[model.Acceptance]
) -> tuple[Difference, ...]:
    """Write the reasons of acceptances into the differences that they name.

    An acceptance whose difference is not there has no effect, so that it can stand in settings.

    Raises:
        UsageError: a key names no kind of difference, or has no reason.
    """
    for acceptance in acceptances:
        if not is_difference_key(acceptance.key):
            raise UsageError(
                f"{acceptance.key!r} names no difference",
                f"keys: {', '.join(KEYS)}, {', '.join(f'{family}NAME' for family in FAMILIES)}",
            )
        if not acceptance.reason.strip():
            raise UsageError(
                f"difference {acceptance.key} is accepted without a reason",
                f'say why: --accept {acceptance.key} --reason "…"',
            )
    reasons = {acceptance.key: acceptance.reason.strip() for acceptance in acceptances}
    return tuple(replace(item, accepted=reasons.get(item.key)) for item in differences)


def is_difference_key(key: str) -> bool:
    """Whether a key names a kind of difference; else it may name a check."""
    key = key.removeprefix(REPORTS)
    return key in KEYS or any(key.startswith(family) and key != family for family in FAMILIES)


def ordered(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """One of each key, the graver ones first, otherwise in the order of the comparison."""
    first: dict[str, Difference] = {}
    for item in found:
        first.setdefault(item.key, item)
    gravity = tuple(Severity)
    return tuple(sorted(first.values(), key=lambda item: gravity.index(item.severity)))


def _postgresql_version(backup: model.ServerFacts, here: model.ServerFacts) -> Iterator[Difference]:
    if not backup.version_number or not here.version_number:
        return
    before, after = _major(backup.version_number), _major(here.version_number)
    versions = backup.version, here.version
    if after < before:
        text = message(
            "a dump of PostgreSQL {version} can't be restored into an older server",
            version=backup.version,
        )
        yield Difference("postgresql.major", Severity.BLOCKING, *versions, text)
    elif after > before:
        text = message("PostgreSQL is newer than production's: its behaviour may differ")
        yield Difference("postgresql.major", Severity.WARNING, *versions, text)
    # Of a physical backup only the major is known.
    elif backup.version_number != here.version_number and "." in backup.version:
        text = message("PostgreSQL has a newer patch level")
        if here.version_number < backup.version_number:
            text = message("PostgreSQL has an older patch level")
        yield Difference("postgresql.minor", Severity.WARNING, *versions, text)


def _major(number: int) -> tuple[int, ...]:
    """What decides compatibility: (13,) of 130023, but (9, 6) of 90624."""
    if number >= 100000:
        return (number // 10000,)
    return (number // 10000, number // 100 % 100)


def _encodings(
    databases: Sequence[model.DatabaseFacts], known: tuple[str, ...] | None
) -> Iterator[Difference]:
    if known is None:
        return
    lacking = [item for item in databases if item.encoding not in ("", *known)]
    if lacking:
        names = ", ".join(sorted({item.encoding for item in lacking}))
        text = message(
            "the server does not support the encoding of {databases}",
            databases=", ".join(item.name for item in lacking),
        )
        none = message("not supported")
        yield Difference("postgresql.encoding", Severity.BLOCKING, names, none, text)


def _extensions(
    databases: Sequence[model.DatabaseFacts], known: tuple[model.Versioned, ...] | None
) -> Iterator[Difference]:
    if known is None:
        return
    here = {item.name: item.version for item in known}
    for database in databases:
        for extension in database.extensions:
            name, version = extension.name, extension.version
            key = f"postgresql.extension:{name}"
            if name not in (*here, _BUILT_IN_EXTENSION):
                text = message(
                    "database {database} uses extension {name}, which the server lacks",
                    database=database.name,
                    name=name,
                )
                yield Difference(key, Severity.BLOCKING, version, message("not available"), text)
            elif version not in ("", here.get(name, version)):
                text = message("extension {name} has another version", name=name)
                yield Difference(key, Severity.WARNING, version, here[name], text)


def _erp_version(
    fingerprint: model.Fingerprint, facts: model.EnvironmentFacts
) -> Iterator[Difference]:
    before, after = fingerprint.erp_series, facts.erp_series
    if before and after and before != after:
        text = message(
            "a database of ERP series {before} can't be served by series {after}",
            before=before,
            after=after,
        )
        yield Difference("erp.series", Severity.BLOCKING, before, after, text)
        return
    release, other = fingerprint.erp.version, facts.erp.version
    if release and other and release != other:
        text = message("the ERP is of another release of the same series")
        yield Difference("erp.release", Severity.WARNING, release, other, text)


def _modules(
    databases: Sequence[model.DatabaseFacts], known: tuple[str, ...] | None
) -> Iterator[Difference]:
    if known is None:
        return
    here, none = frozenset(known), message("not available")
    for database in databases:
        for module in database.modules:
            if module.name not in here:
                text = message(
                    "database {database} has module {name} installed, which the ERP server lacks",
                    database=database.name,
                    name=module.name,
                )
                key, version = f"erp.module:{module.name}", module.version or "installed"
                yield Difference(key, Severity.BLOCKING, version, none, text)


def _shown(image: model.ImageFacts) -> str:
    return f"{image.reference} ({image.id.removeprefix('sha256:')[:12]})"


def _server(name: str, backup: model.ServerFacts, here: model.ServerFacts) -> Iterator[Difference]:
    title = servers.SERVERS[name]
    if backup.os and here.os and backup.os != here.os:
        text = message("the {server} runs on another operating system", server=title)
        yield Difference(f"os.{name}", Severity.WARNING, backup.os, here.os, text)
    if backup.image and here.image and backup.image.id != here.image.id:
        text = message("the {server} runs from another image", server=title)
        images = _shown(backup.image), _shown(here.image)
        yield Difference(f"image.{name}", Severity.WARNING, *images, text)
