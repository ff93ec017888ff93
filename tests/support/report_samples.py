"""Reports of drills that never ran: one that passed, one that failed, one that ended early."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from restore.checks.base import about
from restore.checks.database import counts_of
from restore.checks.documents import Row
from restore.checks.web import Answer
from restore.model import (
    Acceptance,
    Artifact,
    ArtifactKind,
    CheckResult,
    CheckStatus,
    ConfigurationChange,
    DatabaseFacts,
    Difference,
    EnvironmentFacts,
    Fingerprint,
    Generation,
    ImageFacts,
    Report,
    RestorePlan,
    ServerFacts,
    Severity,
    Step,
    StepKind,
    StepResult,
    StepStatus,
    TableFacts,
    Verdict,
    Versioned,
)
from restore.model.messages import Message, joined, message, plural

STARTED = datetime(2026, 11, 24, 6, 14, 5, 250000, tzinfo=UTC)
POINT = datetime(2026, 11, 23, 21, 30, 2, tzinfo=UTC)
DB = "specibike_prod"


def at(seconds: float) -> datetime:
    """So long after the drill's start."""
    return STARTED + timedelta(seconds=seconds)


POSTGRESQL = ServerFacts(
    "13.16 (Debian 13.16-0+deb11u1)",
    130016,
    "Debian GNU/Linux 11 (bullseye)",
    ImageFacts("pra/postgresql:13", "sha256:4b1f0e7a6f" + "0" * 54),
)
ERP = ServerFacts(
    "14.0.0+dfsg.2-7+deb11u2",
    0,
    "Debian GNU/Linux 11 (bullseye)",
    ImageFacts("pra/odoo:14.0", "sha256:9c22d1aa04" + "0" * 54),
)

GENERATION = Generation(
    id="20261123T213000Z-1f3a9c",
    profile="odoo",
    started=datetime(2026, 11, 23, 21, 30, 0, tzinfo=UTC),
    finished=datetime(2026, 11, 23, 21, 30, 41, 500000, tzinfo=UTC),
    consistency_point=POINT,
    engine_version="0.1.0",
    fingerprint=Fingerprint(
        postgresql=POSTGRESQL,
        erp=ERP,
        erp_series="14.0",
        databases=(
            DatabaseFacts(
                name=DB,
                owner="odoo",
                encoding="UTF8",
                collate="en_US.UTF-8",
                ctype="en_US.UTF-8",
                collation_version="2.31",
                size=61_234_567,
                extensions=(Versioned("plpgsql", "1.0"), Versioned("unaccent", "1.1")),
                modules=(Versioned("base", "14.0.1.3"), Versioned("sale", "14.0.1.1")),
                tables=(
                    TableFacts("public", "ir_attachment", 412),
                    TableFacts("public", "res_partner", 1041),
                ),
            ),
        ),
    ),
    artifacts=(
        Artifact(
            f"database-{DB}", ArtifactKind.DATABASE, DB, f"postgresql://db:5432/{DB}",
            f"database/{DB}", f"indexes/database-{DB}.jsonl", "a" * 64, 503, 7_654_321,
        ),
        Artifact(
            "roles", ArtifactKind.ROLES, None, "postgresql://db:5432",
            "roles", "indexes/roles.jsonl", "b" * 64, 1, 612,
        ),
        Artifact(
            f"filestore-{DB}", ArtifactKind.DOCUMENTS, DB, f"/var/lib/odoo/filestore/{DB}",
            f"documents/filestore/{DB}", f"indexes/filestore-{DB}.jsonl", "c" * 64, 411, 18_200_000,
        ),
        Artifact(
            "configuration-erp", ArtifactKind.CONFIGURATION, None, "erp",
            "configuration/erp", "indexes/configuration-erp.jsonl", "d" * 64, 1, 388,
        ),
    ),
    root=Path("/srv/pra/generations/20261123T213000Z-1f3a9c"),
)  # fmt: skip

FACTS = EnvironmentFacts(
    postgresql=replace(POSTGRESQL, version="13.18 (Debian 13.18-0+deb11u1)", version_number=130018),
    erp=ERP,
    erp_series="14.0",
    extensions=(Versioned("plpgsql", "1.0"), Versioned("unaccent", "1.1")),
    collations=(Versioned("en_US.utf8", "2.31"),),
    encodings=("UTF8",),
    modules=("base", "sale"),
)

DIFFERENCES = (
    Difference(
        "postgresql.minor",
        Severity.WARNING,
        "13.16",
        "13.18",
        message("PostgreSQL has a newer patch level"),
        accepted="same major, security fixes only",
    ),
)

STEPS = (
    Step("stop-erp", StepKind.STOP_ERP, message("Stop the ERP server"), "pra-erp"),
    Step(
        "roles", StepKind.ROLES, message("Create the roles that are missing"), "odoo",
        source="roles/roles.sql",
    ),
    Step(
        f"restore-database:{DB}", StepKind.RESTORE_DATABASE,
        message("Restore database {name}", name=DB), DB,
        database=DB, source=f"database/{DB}", staging=f"{DB}-new",
        argv=("pg_restore", "--jobs", "2", "--exit-on-error"), bytes=7_654_321, items=503,
    ),
    Step(f"check-database:{DB}", StepKind.CHECK_DATABASE,
        message("Check database {name}", name=DB), DB, database=DB),
    Step(
        f"documents:{DB}", StepKind.DOCUMENTS, message(
            "Copy documents {tree} of database {name} aside", tree="filestore", name=DB
        ),
        f"/var/lib/odoo/filestore/{DB}", database=DB, owner="odoo", bytes=18_200_000, items=411,
    ),
    Step(
        "configuration:odoo.conf", StepKind.CONFIGURATION,
        message("Adapt and lay configuration file {name}", name="odoo.conf"), "/etc/odoo/odoo.conf",
        changes=(
            ConfigurationChange("odoo.conf", "db_host", "db.specibike.example", "172.30.0.2"),
            ConfigurationChange("odoo.conf", "db_password", "***", "***"),
            ConfigurationChange("odoo.conf", "max_cron_threads", None, "0"),
        ),
    ),
    Step("start-erp", StepKind.START_ERP, message("Start the ERP server"), "pra-erp"),
)  # fmt: skip

PLAN = RestorePlan(
    generation=GENERATION.id,
    profile="odoo",
    environment="drill-20261124-061405-1a2b",
    databases=(DB,),
    differences=DIFFERENCES,
    steps=STEPS,
    bytes=25_854_321,
)

STAGES = (
    ("select", "Choose generation latest", 0.0, 0.04),
    ("verify", f"Verify generation {GENERATION.id}", 0.05, 0.7),
    ("foresee", "Compare the images with the backup", 0.76, 1.1),
    ("rebuild", "Rebuild the environment", 1.9, 19.4),
    ("plan", "Compare the environment with the backup and plan", 21.3, 0.9),
    ("replay", f"Replay generation {GENERATION.id}", 22.3, 14.6),
    ("check", "Check the restored environment", 36.9, 6.2),
    ("destroy", "Destroy the environment", 43.2, 11.8),
)
RESULTS = (
    (22.3, 0.6),
    (22.9, 0.2),
    (23.1, 5.4),
    (28.5, 0.6),
    (29.1, 1.9),
    (31.0, 0.1),
    (31.1, 5.8),
)


def stage(id_: str, title: str, began: float, took: float) -> StepResult:
    """A stage that succeeded."""
    return StepResult(id_, title, StepStatus.SUCCEEDED, at(began), took)


def documents_title(title: str) -> Message:
    """The title of a check of documents."""
    where = message("{tree} of {database}", tree="filestore", database=DB)
    return message("{title} ({where})", title=Message(title), where=where)


def documents_observed(files: int, missing: int) -> Message:
    """What a check of 412 documents saw."""
    return plural(
        412,
        "{n} row, {files}: {missing} missing, {changed} changed, {unreadable} unreadable",
        "{n} rows, {files}: {missing} missing, {changed} changed, {unreadable} unreadable",
        files=plural(files, "{n} readable file", "{n} readable files"),
        missing=missing,
        changed=0,
        unreadable=0,
    )


def lost(id_: str, name: str, file: str) -> str:
    """A document whose file is missing."""
    return about(str(Row(id_, name, file)), message("the file is missing"))


def web_title(step: str) -> Message:
    """The title of a step's check."""
    return message("Web: {step}", step=step)


def codes(first: str, other: str) -> Message:
    """Two codes that an answer may have."""
    return message("{codes} or {code}", codes=first, code=other)


def within(expected: str, seconds: float) -> Message:
    """What a step expects."""
    return message("{codes} within {seconds:g} s", codes=expected, seconds=float(seconds))


def answer(status: int, seconds: float) -> str:
    """What a step saw."""
    return str(Answer(status, seconds))


CHECKS = (
    CheckResult(
        f"database.tables:{DB}", message("Tables and their rows"), CheckStatus.PASSED,
        counts_of(503, 61_204), counts_of(503, 61_204), 0.41,
    ),
    CheckResult(
        f"database.constraints:{DB}", message("Constraints and indexes"), CheckStatus.PASSED,
        message("every constraint and index is valid"), joined(
            ", ",
            (
                plural(2914, "{n} constraint", "{n} constraints"),
                plural(1120, "{n} index", "{n} indexes"),
            ),
        ), 0.06,
    ),
    CheckResult(
        f"database.extensions:{DB}", message("Extensions"), CheckStatus.PASSED,
        "plpgsql 1.0, unaccent 1.1", "plpgsql 1.0, unaccent 1.1", 0.01,
    ),
    CheckResult(
        f"documents.attachments:filestore:{DB}",
        documents_title("Every document row has its file"), CheckStatus.PASSED,
        message("each row's file is there, readable, with its checksum"),
        documents_observed(411, 0), 0.9,
    ),
    CheckResult(
        f"documents.orphans:filestore:{DB}", documents_title("Files without a row"),
        CheckStatus.WARNING, message("no file without a row"),
        plural(1, "{n} file without a row", "{n} files without a row"), 0.0,
        details=("ab/ab12cd34",),
    ),
    CheckResult(
        "web.scenario:home", web_title("home"), CheckStatus.PASSED,
        within("HTTP 200", 20), answer(200, 1.24), 1.25, sla=20.0,
    ),
    CheckResult(
        "web.scenario:login", web_title("login"), CheckStatus.PASSED,
        within(codes("HTTP 303", "302"), 10), answer(303, 0.4), 0.41, sla=10.0,
    ),
    CheckResult(
        "web.scenario:logout", web_title("logout"), CheckStatus.IGNORED,
        within(codes(codes("HTTP 303", "302"), "301"), 10), message("not run"), 0.0,
        reason="single sign-on is not part of the drill", sla=10.0,
    ),
)  # fmt: skip


def passed() -> Report:
    """A drill that passed, with one accepted difference, one warning and one ignored check."""
    return Report(
        run="20261124-061405-1a2b",
        command="pra drill --generation latest",
        stack="drill-20261124-061405-1a2b",
        started=STARTED,
        finished=at(55.2),
        verdict=Verdict.PASS,
        generation=GENERATION,
        facts=FACTS,
        plan=PLAN,
        stages=tuple(stage(*row) for row in STAGES),
        steps=tuple(
            StepResult(step.id, step.title, StepStatus.SUCCEEDED, at(began), took)
            for step, (began, took) in zip(STEPS, RESULTS, strict=True)
        ),
        checks=CHECKS,
        differences=DIFFERENCES,
        accepted=(
            Acceptance("postgresql.minor", "same major, security fixes only"),
            Acceptance("web.scenario:logout", "single sign-on is not part of the drill"),
        ),
        error=None,
        hint=None,
        rto=43.1,
        rpo=(STARTED - POINT).total_seconds(),
        engine_version="0.1.0",
        changes=(ConfigurationChange("postgresql.conf", "listen_addresses", "localhost", "*"),),
    )


def failed() -> Report:
    """A drill whose documents are not all there."""
    wrong = replace(
        CHECKS[3],
        status=CheckStatus.FAILED,
        observed=documents_observed(410, 2),
        details=(
            lost("388", "INV/2026/0042.pdf", "3f/3fa8b2c4"),
            lost("391", "<script>alert(1)</script>", "77/770011"),
        ),
    )
    slow = replace(
        CHECKS[5],
        status=CheckStatus.FAILED,
        observed=answer(200, 21.5),
        duration=21.5,
        details=(
            message("{seconds:.2f} s is more than the SLA of {sla:g} s", seconds=21.5, sla=20.0),
        ),
    )
    return replace(
        passed(),
        verdict=Verdict.FAIL,
        checks=(*CHECKS[:3], wrong, CHECKS[4], slow, *CHECKS[6:]),
        accepted=(),
        differences=(replace(DIFFERENCES[0], accepted=None),),
    )


def broken() -> Report:
    """A drill one of whose steps failed: what follows it was skipped."""
    reason = (
        "pg_restore ended with code 1\n"
        'pg_restore: error: could not execute query: ERROR:  type "citext" does not exist'
    )
    good = passed()
    failing = replace(good.steps[2], status=StepStatus.FAILED, reason=reason)
    skipped = tuple(
        replace(
            step,
            status=StepStatus.SKIPPED,
            started=at(28.5),
            duration=0.0,
            reason=message("after failure of {what}", what=failing.id),
        )
        for step in good.steps[3:]
    )
    error = about(failing.title, reason)
    replaying = replace(good.stages[5], duration=6.2, status=StepStatus.FAILED, reason=error)
    destroying = replace(good.stages[7], started=at(28.6))
    return replace(
        good,
        finished=at(40.5),
        verdict=Verdict.FAIL,
        stages=(*good.stages[:5], replaying, destroying),
        steps=(*good.steps[:2], failing, *skipped),
        checks=(),
        error=error,
        hint="install the extension's package in the image, then run the drill again",
        rto=None,
    )


def early() -> Report:
    """A drill that ended before a generation was read."""
    message = "there is no generation 20261122T in /srv/pra"
    stopped = StepResult(
        "select", "Choose generation 20261122T", StepStatus.FAILED, STARTED, 0.01, message
    )
    return replace(
        passed(),
        command="pra drill --generation 20261122T",
        finished=at(0.02),
        verdict=Verdict.FAIL,
        generation=None,
        facts=None,
        plan=None,
        stages=(stopped,),
        steps=(),
        checks=(),
        differences=(),
        accepted=(),
        changes=(),
        error=message,
        hint="generations there: 20261123T213000Z-1f3a9c",
        rto=None,
        rpo=None,
    )


def unverifiable() -> Report:
    """A drill none of whose checks could be run."""
    checks = tuple(
        replace(
            check,
            status=CheckStatus.UNVERIFIABLE,
            observed=message("not run"),
            details=(),
            reason="no ERP account is configured for the checks",
        )
        for check in CHECKS[5:]
    )
    return replace(passed(), verdict=Verdict.UNVERIFIABLE, checks=checks, accepted=())


SAMPLES = {
    "passed": passed,
    "failed": failed,
    "broken": broken,
    "early": early,
    "unverifiable": unverifiable,
}
