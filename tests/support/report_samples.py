"""Reports of drills that never ran: one that passed, one that failed, one that ended early."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
        "PostgreSQL has a newer patch level",
        accepted="same major, security fixes only",
    ),
)

STEPS = (
    Step("stop-erp", StepKind.STOP_ERP, "Stop the ERP server", "pra-erp"),
    Step(
        "roles", StepKind.ROLES, "Create the roles that are missing", "odoo",
        source="roles/roles.sql",
    ),
    Step(
        f"restore-database:{DB}", StepKind.RESTORE_DATABASE, f"Restore database {DB}", DB,
        database=DB, source=f"database/{DB}", staging=f"{DB}-new",
        argv=("pg_restore", "--jobs", "2", "--exit-on-error"), bytes=7_654_321, items=503,
    ),
    Step(f"check-database:{DB}", StepKind.CHECK_DATABASE, f"Check database {DB}", DB, database=DB),
    Step(
        f"documents:{DB}", StepKind.DOCUMENTS, f"Copy documents filestore of database {DB} aside",
        f"/var/lib/odoo/filestore/{DB}", database=DB, owner="odoo", bytes=18_200_000, items=411,
    ),
    Step(
        "configuration:odoo.conf", StepKind.CONFIGURATION,
        "Adapt and lay configuration file odoo.conf", "/etc/odoo/odoo.conf",
        changes=(
            ConfigurationChange("odoo.conf", "db_host", "db.specibike.example", "172.30.0.2"),
            ConfigurationChange("odoo.conf", "db_password", "***", "***"),
            ConfigurationChange("odoo.conf", "max_cron_threads", None, "0"),
        ),
    ),
    Step("start-erp", StepKind.START_ERP, "Start the ERP server", "pra-erp"),
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


CHECKS = (
    CheckResult(
        f"database.tables:{DB}", "Tables and their rows", CheckStatus.PASSED,
        "503 tables, 61 204 rows", "503 tables, 61 204 rows", 0.41,
    ),
    CheckResult(
        f"database.constraints:{DB}", "Constraints and indexes", CheckStatus.PASSED,
        "every constraint and index is valid", "2 914 constraints, 1 120 indexes", 0.06,
    ),
    CheckResult(
        f"database.extensions:{DB}", "Extensions", CheckStatus.PASSED,
        "plpgsql 1.0, unaccent 1.1", "plpgsql 1.0, unaccent 1.1", 0.01,
    ),
    CheckResult(
        f"documents.attachments:filestore:{DB}",
        f"Every document row has its file (filestore of {DB})", CheckStatus.PASSED,
        "each row's file is there, readable, with its checksum",
        "412 rows, 411 readable files: 0 missing, 0 changed, 0 unreadable", 0.9,
    ),
    CheckResult(
        f"documents.orphans:filestore:{DB}", f"Files without a row (filestore of {DB})",
        CheckStatus.WARNING, "no file without a row", "1 file without a row", 0.0,
        details=("ab/ab12cd34",),
    ),
    CheckResult(
        "web.scenario:home", "Web: home", CheckStatus.PASSED,
        "HTTP 200 within 20 s", "HTTP 200 in 1.24 s", 1.25, sla=20.0,
    ),
    CheckResult(
        "web.scenario:login", "Web: login", CheckStatus.PASSED,
        "HTTP 303 or 302 within 10 s", "HTTP 303 in 0.40 s", 0.41, sla=10.0,
    ),
    CheckResult(
        "web.scenario:logout", "Web: logout", CheckStatus.IGNORED,
        "HTTP 303 or 302 or 301 within 10 s", "not run", 0.0,
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
        observed="412 rows, 410 readable files: 2 missing, 0 changed, 0 unreadable",
        details=(
            "row 388 ('INV/2026/0042.pdf', file 3f/3fa8b2c4): the file is missing",
            "row 391 ('<script>alert(1)</script>', file 77/770011): the file is missing",
        ),
    )
    slow = replace(
        CHECKS[5],
        status=CheckStatus.FAILED,
        observed="HTTP 200 in 21.50 s",
        duration=21.5,
        details=("21.50 s is more than the SLA of 20 s",),
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
            reason=f"after failure of {failing.id}",
        )
        for step in good.steps[3:]
    )
    error = f"{failing.title}: {reason}"
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
            observed="not run",
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
