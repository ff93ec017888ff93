"""The steps that bring a reports server back beside its ERP, or the reasons why not. Pure.

The reports server is replayed like an ERP, by the same steps on the same rules; then each of its
data sources that reads a restored database is pointed at the restored server, through the reports
server itself, which alone can encrypt the password.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from restore import model
from restore.model.messages import message
from restore.model.parts import reports_generation
from restore.plan.configuration import files
from restore.plan.neutralise import UNSAFE_REPORTS, with_staging
from restore.plan.request import PlanRequest, Refusal
from restore.plan.steps import steps_of
from restore.profile import ReportsProfile

_URL: Final = re.compile(r"jdbc:postgresql://(?P<server>[^/?]*)/(?P<database>[^?;]+)")
_DEFAULT_PORT: Final = "5432"

SECRET_PROPERTY: Final = frozenset({"password"})

_TITLES: Final[dict[model.StepKind, str]] = {
    model.StepKind.STOP_ERP: message("Stop the reports server"),
    model.StepKind.ROLES: message(
        "Create the roles of the reports server's database that are missing"
    ),
    model.StepKind.START_ERP: message("Start the reports server"),
}


def reports_request(request: PlanRequest) -> PlanRequest | None:
    """The request for the reports half; None when the generation or the profile has none."""
    generation, profile = reports_generation(request.generation), request.profile.reports
    if generation is None or profile is None or request.target.reports is None:
        return None
    unknown = generation.fingerprint
    facts = request.facts.reports or model.EnvironmentFacts(
        replace(unknown.postgresql, version="", version_number=0, image=None),
        replace(unknown.erp, version="", image=None),
        "",
    )
    return replace(
        request,
        generation=generation,
        profile=profile.server,
        texts=files.reports_texts(request.texts),
        facts=facts,
        target=request.target.reports,
        acceptances=(),
        databases=(),
        nodes=tuple(role.as_erp for role in request.nodes if role.as_erp),
        found=(),
    )


def lacks_reports(request: PlanRequest) -> Iterator[Refusal]:
    """Reason and hint, when the environment has no reports server and the generation has."""
    if (
        request.generation.fingerprint.reports is not None
        and request.profile.reports is not None
        and request.target.reports is None
    ):
        yield (
            "it holds a reports server, and the environment has none",
            "rebuild the environment for this generation: 'pulumi up', or 'pra drill'",
        )


def unsafe_reports(request: PlanRequest) -> Iterator[Refusal]:
    """Reason and hint, when a staging copy would have a reports server that acts for production."""
    inner = reports_request(request)
    if inner is None or request.purpose is not model.Purpose.STAGING:
        return
    if inner.profile.neutralisation is None:
        yield UNSAFE_REPORTS


def keystore_problems(request: PlanRequest) -> Iterator[Refusal]:
    """Reason and hint for each keystore file that can't decrypt the reports server's repository."""
    reports, profile = request.generation.fingerprint.reports, request.profile.reports
    if reports is None or profile is None:
        return
    hint = message(
        "without its own keystore, a reports server can't read the passwords of its "
        "repository: restore both from one generation",
    )
    texts = files.reports_texts(request.texts)
    known = {file.name: file for file in profile.keystore}
    for file in reports.keystore:
        held = files.find_text(texts, known[file.name]) if file.name in known else None
        if held is None:
            text = message("it holds no keystore file {name} of its reports server", name=file.name)
            yield text, hint
            continue
        found = hashlib.sha256(files.encode(held.text)).hexdigest()
        if found != file.sha256:
            yield (
                message(
                    "keystore file {name} is not the one that encrypted the passwords of the "
                    "reports server's repository: its SHA-256 is {found}, that one's {wanted}",
                    name=file.name,
                    found=f"{found[:12]}…",
                    wanted=f"{file.sha256[:12]}…",
                ),
                hint,
            )


def reports_steps(
    request: PlanRequest, databases: tuple[model.DatabaseFacts, ...]
) -> tuple[model.Step, ...]:
    """Every step of the reports half, in order; none when there is no such half."""
    inner = reports_request(request)
    if inner is None:
        return ()
    own = inner.generation.fingerprint.databases
    steps = with_staging(inner, own, steps_of(inner, own))
    held = request.profile.reports.keystore if request.profile.reports else ()
    keystore: dict[str, str] = {
        f"configuration:{file.name}": message("Lay keystore file {name}", name=file.name)
        for file in held
    }
    return (
        *(
            replace(
                step,
                id=f"reports:{step.id}",
                title=keystore.get(step.id) or _TITLES.get(step.kind, step.title),
                changes=files.reports_changes(step.changes),
                target=model.Role.REPORTS if step.target == model.Role.ERP else step.target,
                part=model.Part.REPORTS,
            )
            for step in steps
        ),
        *_data_sources(request, tuple(facts.name for facts in databases)),
    )


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a JDBC URL; ``server`` is host:port."""

    server: str
    database: str


def address_of(url: str) -> Address | None:
    """Parse a PostgreSQL JDBC URL; None for any other URL."""
    found = _URL.match(url)
    if found is None:
        return None
    _host, colon, port = found["server"].rpartition(":")
    server = found["server"] if colon and port.isdigit() else f"{found['server']}:{_DEFAULT_PORT}"
    return Address(server, found["database"])


def data_source_settings(
    profile: ReportsProfile, source: model.DataSource, target: files.Target
) -> tuple[files.Setting, ...]:
    """The properties that a restored data source needs: those of the profile, filled in."""
    found = address_of(source.url)
    database = found.database if found else ""
    values = {**files.placeholders(target, [database]), "database": database}
    return tuple(files.resolved(profile.data_source, values, "data_source"))


def sources_of(
    sources: tuple[model.DataSource, ...], databases: tuple[str, ...]
) -> Iterator[tuple[model.DataSource, str]]:
    """The data sources that read one of these databases, each with the database's name."""
    for source in sources:
        found = address_of(source.url)
        if found is not None and found.database in databases:
            yield source, found.database


def _data_sources(request: PlanRequest, databases: tuple[str, ...]) -> Iterator[model.Step]:
    reports, profile = request.generation.fingerprint.reports, request.profile.reports
    if reports is None or profile is None or not profile.data_source:
        return
    for source, database in sources_of(reports.data_sources, databases):
        before = {"connectionUrl": source.url, "username": source.user}
        settings = data_source_settings(profile, source, request.target.configuration)
        yield model.Step(
            id=f"reports:data-source:{source.uri}",
            kind=model.StepKind.DATA_SOURCE,
            title=message("Point data source {uri} at the restored ERP", uri=source.uri),
            target=source.uri,
            database=database,
            items=1,
            changes=tuple(
                files.change_of(source.uri, one, before.get(one.key, ""), SECRET_PROPERTY)
                for one in settings
            ),
            part=model.Part.REPORTS,
        )
