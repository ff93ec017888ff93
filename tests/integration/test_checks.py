"""Checks of real servers, on what was restored and on every way in which it can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from restore.adapters.docker.health import wait_healthy
from restore.adapters.postgres import sql
from restore.adapters.postgres.facts import not_valid
from restore.checks import check_ids, run_checks
from restore.checks.database import database_checks
from restore.checks.documents import DocumentSet, document_checks
from restore.model import (
    Acceptance,
    CheckResult,
    CheckStatus,
    ConstraintFacts,
    Credentials,
    DatabaseFacts,
    Versioned,
)
from restore.model.secret import Secret
from restore.replay.replay import replay
from tests.support.repository import DATABASE, small_documents
from tests.support.servers import Scene, Source

pytestmark = pytest.mark.docker

FILESTORE = f"/var/lib/odoo/filestore/{DATABASE}"
PATHS = sorted(small_documents())


@pytest.fixture
def restored(scene: Scene) -> Scene:
    """A scene whose generation has been replayed; its ERP's container runs."""
    outcome = replay(scene.plan(), scene.context)
    assert not [step for step in outcome.steps if step.reason]
    return scene


@pytest.fixture
def database(scene: Scene) -> Scene:
    """A scene of which only the database has been replayed."""
    scene.replay_database()
    return scene


def checked(scene: Scene, facts: DatabaseFacts | None = None) -> dict[str, CheckResult]:
    """What the checks of the database say, by their kind."""
    wanted = facts or scene.context.facts_of(DATABASE)
    results = database_checks(scene.context.environment.database, wanted, DATABASE)
    return {result.id.removesuffix(f":{DATABASE}"): result for result in results}


def documents_of(scene: Scene) -> dict[str, CheckResult]:
    """What the checks of documents say, by their kind."""
    documents = DocumentSet(scene.context.profile.documents[0], DATABASE)
    results = document_checks(scene.context, documents)
    return {result.id.split(":")[0]: result for result in results}


def run(scene: Scene, *argv: str, user: str = "root") -> None:
    """Change something in the running ERP's container."""
    scene.context.runner.check(scene.erp, argv, user=user)


# --- the database ---------------------------------------------------------------------------------


def test_a_database_as_production_had_it_passes(database: Scene) -> None:
    results = checked(database)

    assert {result.status for result in results.values()} == {CheckStatus.PASSED}, results
    assert results["database.tables"].expected == results["database.tables"].observed
    assert results["database.tables"].observed == "4 tables, 57 rows"
    assert results["database.sequences"].observed == "4 sequences of columns, 0 behind"
    assert results["database.role"].observed == "logged in, reads 4 of 4 tables"


def test_a_missing_row_a_missing_and_an_extra_table_are_named(database: Scene) -> None:
    database.lab.execute(
        "DELETE FROM sale_order WHERE id = 7; DROP TABLE ir_attachment;"
        'CREATE TABLE "Odd; name" AS SELECT 1',
        DATABASE,
    )

    result = checked(database)["database.tables"]

    assert result.status is CheckStatus.FAILED
    assert result.details == (
        "table public.Odd; name was not in production (1 row)",
        "table public.ir_attachment is missing (expected 3 rows)",
        "table public.sale_order: expected 40 rows, found 39",
    )


def test_a_constraint_and_an_index_that_are_not_valid_are_named(database: Scene) -> None:
    database.lab.execute(
        "ALTER TABLE sale_order ADD CONSTRAINT cheap CHECK (amount < 3) NOT VALID;"
        "CREATE INDEX broken ON res_partner (name);"
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass",
        DATABASE,
    )

    result = checked(database)["database.constraints"]

    assert result.status is CheckStatus.FAILED
    assert result.details == (
        "constraint cheap of sale_order is not valid",
        "index broken of res_partner is not valid",
    )


def test_what_was_not_valid_in_production_is_expected_to_be_so(database: Scene) -> None:
    database.lab.execute(
        "ALTER TABLE sale_order ADD CONSTRAINT cheap CHECK (amount < 3) NOT VALID;"
        "ALTER TABLE sale_order ADD CONSTRAINT dear CHECK (amount > -1);"
        "CREATE DOMAIN short AS text; ALTER DOMAIN short ADD CONSTRAINT ten"
        " CHECK (length(VALUE) < 10) NOT VALID",
        DATABASE,
    )
    with sql.connect(database.context.environment.database, DATABASE) as connection:
        recorded = not_valid(connection)
    names = {item.name: item for item in recorded}
    assert {(item.schema, item.table) for item in recorded} == {
        ("public", "sale_order"),
        ("public", "short"),
    }

    facts = database.context.facts_of(DATABASE)

    def held(*exempt: ConstraintFacts) -> CheckResult:
        return checked(database, replace(facts, not_valid=exempt))["database.constraints"]

    result = held(*recorded)
    assert result.status is CheckStatus.PASSED, result.details
    assert result.expected.endswith("but for 2 constraints as in production")
    others = replace(names["cheap"], name="dear"), replace(names["cheap"], name="gone")
    assert held(names["ten"], *others).details == (
        "constraint cheap of sale_order is not valid",
        "constraint dear of sale_order is valid, in production it was not",
        "constraint gone of public.sale_order is missing",
    )
    untold = checked(database, replace(facts, not_valid=None))["database.constraints"]
    assert untold.status is CheckStatus.UNVERIFIABLE
    assert untold.reason == "the backup does not tell which constraints were not valid"
    assert untold.details == (
        "constraint cheap of sale_order is not valid",
        "constraint ten of short is not valid",
    )


def test_a_sequence_behind_its_column_is_named(database: Scene) -> None:
    database.lab.execute(
        "SELECT setval('res_partner_id_seq', 11); SELECT setval('sale_order_id_seq', 40, false);"
        "CREATE TABLE down (n int GENERATED ALWAYS AS IDENTITY (INCREMENT -1 START 9 MAXVALUE 9));"
        "INSERT INTO down OVERRIDING SYSTEM VALUE VALUES (7)",
        DATABASE,
    )

    result = checked(database)["database.sequences"]

    assert result.status is CheckStatus.FAILED
    assert result.observed == "5 sequences of columns, 3 behind"
    assert result.details == (
        "sequence public.down_n_seq gives 9 next, but public.down.n has reached 7",
        "sequence public.res_partner_id_seq gives 12 next, "
        "but public.res_partner.id has reached 12",
        "sequence public.sale_order_id_seq gives 40 next, but public.sale_order.id has reached 40",
    )


def test_sequences_of_empty_tables_are_ahead(database: Scene) -> None:
    database.lab.execute("TRUNCATE ir_module_module", DATABASE)

    assert checked(database)["database.sequences"].status is CheckStatus.PASSED


def test_a_missing_extension_fails_and_another_version_warns(
    database: Scene, source: Source
) -> None:
    missing = (*source.facts.extensions, Versioned("unaccent", "1.1"))
    older = (Versioned("plpgsql", "0.9"),)

    failed = checked(database, replace(source.facts, extensions=missing))["database.extensions"]
    warned = checked(database, replace(source.facts, extensions=older))["database.extensions"]

    assert (failed.status, failed.details) == (
        CheckStatus.FAILED,
        ("extension unaccent is missing",),
    )
    assert warned.status is CheckStatus.WARNING
    assert warned.details == ("extension plpgsql is 1.0, production had 0.9",)


def test_another_encoding_locale_or_owner_is_named(database: Scene, source: Source) -> None:
    facts = replace(source.facts, encoding="LATIN1", collate="fr_FR", owner="accountant")

    result = checked(database, facts)["database.encoding"]

    assert result.status is CheckStatus.FAILED
    assert result.details == (
        "encoding is UTF8, production had LATIN1",
        f"collation is {source.facts.collate}, production had fr_FR",
        "owner is odoo, production had accountant",
    )


def test_a_role_that_cannot_log_in_fails_without_its_password(database: Scene) -> None:
    database.lab.execute("ALTER ROLE odoo NOLOGIN")
    try:
        result = checked(database)["database.role"]
    finally:
        database.lab.execute("ALTER ROLE odoo LOGIN")

    assert result.status is CheckStatus.FAILED
    assert "is not permitted to log in" in result.details[0]
    assert database.context.environment.database.erp_password.reveal() not in repr(result)


def test_a_role_that_may_not_read_is_told(database: Scene) -> None:
    database.lab.execute("ALTER TABLE sale_order OWNER TO postgres", DATABASE)
    some = checked(database)["database.role"]
    for table in ("res_partner", "ir_attachment", "ir_module_module"):
        database.lab.execute(f"ALTER TABLE {table} OWNER TO postgres", DATABASE)
    none = checked(database)["database.role"]

    assert some.status is CheckStatus.WARNING
    assert some.details == ("odoo may not read public.sale_order",)
    assert (none.status, none.observed) == (
        CheckStatus.FAILED,
        "logged in, reads 0 of 4 tables",
    )


def test_a_database_that_is_not_there_is_unverifiable(scene: Scene) -> None:
    results = checked(scene)

    assert {result.status for result in results.values()} == {CheckStatus.UNVERIFIABLE}
    assert "does not exist" in results["database.tables"].reason


# --- documents ------------------------------------------------------------------------------------


def test_documents_as_production_had_them_pass(restored: Scene) -> None:
    results = documents_of(restored)

    assert {result.status for result in results.values()} == {CheckStatus.PASSED}
    assert results["documents.attachments"].observed == (
        "3 rows, 3 readable files: 0 missing, 0 changed, 0 unreadable"
    )


def test_missing_changed_unreadable_and_orphan_files_are_named(restored: Scene) -> None:
    missing, changed, unreadable = PATHS
    run(restored, "rm", f"{FILESTORE}/{missing}")
    run(restored, "cp", "/etc/passwd", f"{FILESTORE}/{changed}")
    run(restored, "chown", "root:root", f"{FILESTORE}/{unreadable}")
    run(restored, "chmod", "0600", f"{FILESTORE}/{unreadable}")
    run(restored, "touch", f"{FILESTORE}/a\nb")

    results = documents_of(restored)

    attachments, orphans = results["documents.attachments"], results["documents.orphans"]
    assert attachments.status is CheckStatus.FAILED
    assert attachments.observed == "3 rows, 2 readable files: 1 missing, 1 changed, 1 unreadable"
    found = "\n".join(attachments.details)
    assert f"file {missing}): the file is missing" in found
    assert f"file {changed}): expected checksum" in found
    assert f"file {unreadable}): the ERP's user can't read it: Permission denied" in found
    assert "row 1 ('document 1'" in found
    assert orphans.status is CheckStatus.WARNING
    assert orphans.details == ("a\nb belongs to no row",)


def test_a_tree_of_another_user_is_unreadable(restored: Scene) -> None:
    run(restored, "chown", "-R", "root:root", FILESTORE)
    run(restored, "chmod", "0700", FILESTORE)

    result = documents_of(restored)["documents.attachments"]

    assert result.status is CheckStatus.FAILED
    assert "3 unreadable" in result.observed


def test_a_missing_tree_fails(restored: Scene) -> None:
    run(restored, "rm", "-r", FILESTORE)

    result = documents_of(restored)["documents.attachments"]

    assert result.status is CheckStatus.FAILED
    assert result.details[0] == f"folder {FILESTORE} is missing"
    assert len(result.details) == 4


def test_documents_of_a_stopped_erp_are_unverifiable(restored: Scene) -> None:
    restored.context.runner.stop(restored.erp)

    results = documents_of(restored)

    assert {result.status for result in results.values()} == {CheckStatus.UNVERIFIABLE}
    assert results["documents.orphans"].reason.startswith("after failure of documents.attachments")


def test_a_tree_without_a_query_is_unverifiable(restored: Scene) -> None:
    tree = replace(restored.context.profile.documents[0], rows=None)

    results = document_checks(restored.context, DocumentSet(tree, DATABASE))

    assert {result.status for result in results} == {CheckStatus.UNVERIFIABLE}


# --- all of it ------------------------------------------------------------------------------------


def test_every_check_runs_and_has_the_id_that_can_be_accepted(restored: Scene) -> None:
    results = run_checks(restored.context, None)

    ids = check_ids(restored.context.profile, (DATABASE,))
    assert tuple(result.id for result in results) == ids[ids.index("erp.started") :]
    by_id = {result.id: result for result in results}
    assert by_id["erp.started"].status is CheckStatus.PASSED
    assert "healthy, version 14.0" in by_id["erp.started"].observed
    # This container only sleeps: nothing answers.
    assert by_id["web.scenario:home"].status is CheckStatus.FAILED
    assert by_id[f"documents.readable:filestore:{DATABASE}"].status is CheckStatus.UNVERIFIABLE


def test_documents_of_an_erp_that_does_not_answer_are_unverifiable(restored: Scene) -> None:
    results = run_checks(restored.context, Credentials("admin", Secret("admin")))

    readable = next(r for r in results if r.id.startswith("documents.readable"))
    assert readable.status is CheckStatus.UNVERIFIABLE
    assert readable.reason


def test_an_accepted_check_is_ignored(restored: Scene) -> None:
    acceptance = Acceptance("web.scenario:home", "no page on this server")

    results = run_checks(restored.context, None, (acceptance,))

    home = next(result for result in results if result.id == "web.scenario:home")
    assert (home.status, home.reason) == (CheckStatus.IGNORED, "no page on this server")


def test_a_stopped_erp_has_not_started(restored: Scene) -> None:
    restored.context.runner.stop(restored.erp)

    results = run_checks(restored.context, None)

    assert results[0].id == "erp.started"
    assert results[0].status is CheckStatus.FAILED
    assert results[0].observed.startswith("exited, version")


def test_another_series_that_was_accepted_is_a_warning(scene_of: Callable[..., Scene]) -> None:
    scene = scene_of()
    generation = scene.context.generation
    fingerprint = replace(generation.fingerprint, erp_series="13.0")
    scene = scene.with_generation(replace(generation, fingerprint=fingerprint))
    scene.context.runner.start(scene.erp)
    wait_healthy(scene.context.runner, scene.erp, 60)

    result = run_checks(scene.context, None)[0]

    assert result.status is CheckStatus.WARNING
    assert result.details == ("series 14.0, production had 13.0",)
