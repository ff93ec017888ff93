"""All that a database is made of beside its rows, read from real servers and held against them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from restore.adapters.postgres import sql
from restore.adapters.postgres.facts import one_snapshot, read_database_facts
from restore.adapters.postgres.objects import (
    read_large_objects,
    read_objects,
    read_sequences,
    with_later,
)
from restore.capture.artifacts import _large_objects
from restore.catalogue.dumps import dump_at
from restore.checks.database import database_checks
from restore.checks.objects import settings_checks, settings_finding
from restore.model import (
    CheckResult,
    CheckStatus,
    DatabaseFacts,
    LargeObjects,
    SequenceFacts,
    SettingFacts,
)
from tests.support.repository import DATABASE
from tests.support.servers import Scene, dump_files

pytestmark = pytest.mark.docker

EVERYTHING = """
CREATE SCHEMA stock;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TYPE stock.state AS ENUM ('draft', 'done');
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN short AS text CONSTRAINT ten CHECK (length(VALUE) < 10);
CREATE FUNCTION stock.twice(n int, s stock.state) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';
CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION heard() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER listening ON ddl_command_end EXECUTE FUNCTION heard();
ALTER EVENT TRIGGER listening DISABLE;
CREATE TABLE stock.move (id int PRIMARY KEY, ref text UNIQUE, day tstzrange,
    EXCLUDE USING gist (day WITH &&));
CREATE TABLE parts (id int PRIMARY KEY, move int REFERENCES stock.move) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TRIGGER touched BEFORE UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION touch();
CREATE INDEX by_ref ON stock.move (ref, id);
CREATE TRIGGER touched BEFORE UPDATE ON stock.move FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE stock.move DISABLE TRIGGER touched;
CREATE RULE quiet AS ON DELETE TO stock.move DO INSTEAD NOTHING;
CREATE POLICY own ON stock.move USING (true);
ALTER TABLE stock.move ENABLE ROW LEVEL SECURITY;
CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one;
CREATE COLLATION stock.plain (locale = 'C');
CREATE STATISTICS stock.both ON id, ref FROM stock.move;
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw;
CREATE FOREIGN TABLE far (id int) SERVER elsewhere;
CREATE PUBLICATION told FOR TABLE stock.move;
CREATE SEQUENCE ir_sequence_042;
SELECT setval('ir_sequence_042', 1871);
SELECT lo_from_bytea(0, 'a large object');
"""


@pytest.fixture
def database(scene: Scene) -> Scene:
    """A scene of which only the database has been replayed."""
    scene.replay_database()
    return scene


def facts_of(scene: Scene, database: str = DATABASE) -> DatabaseFacts:
    with scene.lab.connect(database) as connection:
        return read_database_facts(connection, scene.context.profile)


def objects_check(scene: Scene, facts: DatabaseFacts) -> CheckResult:
    results = database_checks(scene.context.environment.database, facts, DATABASE)
    return next(item for item in results if item.id.startswith("database.objects"))


def test_every_kind_is_read_and_what_is_gone_is_named(database: Scene) -> None:
    database.lab.execute(EVERYTHING, DATABASE)
    facts = facts_of(database)
    assert facts.objects is not None
    names = {item.kind: item.names for item in facts.objects}

    assert names["event trigger"] == ("listening (disabled)",)
    assert names["trigger"] == ("public.parts touched", "stock.move touched (disabled)")
    assert names["function"] == (
        "public.heard()",
        "public.touch()",
        "stock.twice(integer, stock.state)",
    )
    assert names["index"] == ("stock.by_ref",)
    assert names["foreign key"] == (
        "public.parts parts_move_fkey",
        "public.sale_order sale_order_partner",
    )
    assert names["domain"] == ("public.short",)
    assert names["type"] == ("public.pair", "stock.state")
    assert [kind for kind, found in names.items() if not found] == ["column", "not-null column"]
    assert facts.large_objects == LargeObjects(1, 14)
    assert objects_check(database, facts).status is CheckStatus.PASSED

    database.lab.execute(
        "DROP POLICY own ON stock.move; DROP VIEW partner_orders; SELECT lo_unlink(loid)"
        " FROM (SELECT DISTINCT loid FROM pg_largeobject) l;"
        "ALTER TABLE stock.move ENABLE TRIGGER touched; ALTER TABLE res_partner DROP COLUMN name;"
        "CREATE VIEW odd AS SELECT 1; SELECT setval('ir_sequence_042', 1)",
        DATABASE,
    )

    found = objects_check(database, facts)
    assert found.status is CheckStatus.FAILED
    assert found.details == (
        "views: 1 of 1 missing: public.partner_orders",
        "views: 1 that production had not: public.odd",
        "columns: expected 21, found 20; their names are only held as a checksum",
        "columns that must be filled: expected 9, found 8; their names are only held as a checksum",
        "triggers: 1 of 2 missing: stock.move touched (disabled)",
        "triggers: 1 that production had not: stock.move touched",
        "policies: 1 of 1 missing: stock.move own",
        "large objects: expected 1, found 0",
        "sequence public.ir_sequence_042 stands at 1, in production at 1871",
    )


def test_a_dump_brings_back_every_kind(database: Scene, tmp_path: Path) -> None:
    """What pg_dump leaves out, or makes otherwise, must be no alarm."""
    database.lab.execute(EVERYTHING, DATABASE)
    facts = facts_of(database)
    lab = database.lab
    lab.execute("CREATE DATABASE again TEMPLATE template0 OWNER odoo")
    script = f"pg_dump -Fc {DATABASE} | pg_restore --exit-on-error -d again"
    lab.runner.check(lab.container, ("sh", "-ec", script), user="postgres")

    result = database_checks(database.context.environment.database, facts, "again")

    found = next(item for item in result if item.id.startswith("database.objects"))
    assert (found.status, found.details) == (CheckStatus.PASSED, ())
    assert found.expected == found.observed

    # A dump's table of contents tells the same, and so does its data, of rows.
    folder = tmp_path / "dump"
    folder.mkdir()
    for name, content in dump_files(lab, DATABASE).items():
        (folder / name).write_bytes(content)
    lab.runner.check(lab.container, ("pg_dump", "-Fc", "-f", "/tmp/one", DATABASE), user="postgres")
    (tmp_path / "one").write_bytes(lab.runner.read_file(lab.container, "/tmp/one"))
    kinds = {item.kind: item for item in facts.objects or ()}
    for path in (folder, tmp_path / "one"):
        told = dump_at(path).facts
        assert told.objects is not None
        assert [item for item in told.objects if item != kinds[item.kind]] == []
        assert {"index", "foreign key", "trigger", "policy"} <= {i.kind for i in told.objects}
        assert told.sequences == facts.sequences
        assert told.tables == tuple(
            table for table in facts.tables if table.name not in ("parts", "far")
        )
        assert told.lacks is None


def test_an_index_that_broke_off_and_an_extensions_objects_are_no_loss(database: Scene) -> None:
    """pg_dump leaves out both; another version of an extension has other objects."""
    before = facts_of(database).objects
    database.lab.execute(
        "CREATE EXTENSION pg_trgm; CREATE INDEX broken ON res_partner (name);"
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass",
        DATABASE,
    )

    assert facts_of(database).objects == before


def test_what_a_backup_does_not_tell_is_said(database: Scene) -> None:
    facts = facts_of(database)
    assert facts.objects is not None

    untold = objects_check(database, replace(facts, objects=None))
    some = objects_check(
        database, replace(facts, objects=tuple(o for o in facts.objects if o.kind == "view"))
    )

    assert untold.status is CheckStatus.UNVERIFIABLE
    assert untold.reason == "the backup does not tell which objects there were"
    assert some.status is CheckStatus.PASSED
    assert "only counted, as the backup does not tell them: tables: 4" in some.details[0]


def test_a_sequence_that_was_behind_in_production_comes_back_as_it_was(database: Scene) -> None:
    database.lab.execute("SELECT setval('sale_order_id_seq', 7)", DATABASE)
    server = database.context.environment.database

    def checked(facts: DatabaseFacts) -> CheckResult:
        results = database_checks(server, facts, DATABASE)
        return next(item for item in results if item.id.startswith("database.sequences"))

    own = checked(facts_of(database))
    lost = checked(database.context.facts_of(DATABASE))

    assert own.status is CheckStatus.WARNING
    assert own.details == (
        "sequence public.sale_order_id_seq gives 8 next, but public.sale_order.id has reached 40,"
        " as in production",
    )
    assert lost.status is CheckStatus.FAILED


def test_a_sequence_moves_while_it_is_dumped(database: Scene) -> None:
    with database.lab.connect(DATABASE) as connection:
        before = read_sequences(connection)
        connection.execute("SELECT nextval('sale_order_id_seq')")
        after = read_sequences(connection)
        facts = replace(facts_of(database), sequences=with_later(before, after))
        moved = {item.name: item for item in facts.sequences or ()}["sale_order_id_seq"]
        assert moved == SequenceFacts("public", "sale_order_id_seq", 40, True, 41)
        assert objects_check(database, facts).status is CheckStatus.PASSED
        connection.execute("SELECT nextval('sale_order_id_seq')")
    assert objects_check(database, facts).status is CheckStatus.FAILED


def test_objects_are_read_by_the_erps_own_role_too(database: Scene) -> None:
    server = database.context.environment.database
    with (
        sql.connect(server, DATABASE) as superuser,
        sql.connect(server, DATABASE, as_erp=True) as own,
    ):
        assert read_objects(own) == read_objects(superuser)
        assert read_sequences(own) == read_sequences(superuser)


def test_bytes_of_large_objects_are_counted_for_a_role_that_may_not_read_them(
    database: Scene,
) -> None:
    database.lab.execute("SELECT lo_from_bytea(0, 'a large object')", DATABASE)
    server = database.context.environment.database
    job: Any = SimpleNamespace(source=SimpleNamespace(server=server), runner=database.lab.runner)
    with sql.connect(server, DATABASE, as_erp=True) as connection, one_snapshot(connection):
        told = read_large_objects(connection)
        snapshot = sql.rows(connection, "SELECT pg_export_snapshot()")[0][0]
        assert told == LargeObjects(1, None)
        # What is made meanwhile is not in the dump.
        database.lab.execute("SELECT lo_from_bytea(0, 'later')", DATABASE)
        assert _large_objects(job, DATABASE, snapshot, told) == LargeObjects(1, 14)


def test_settings_come_back_and_a_read_only_database_is_told(database: Scene) -> None:
    lab, context = database.lab, database.context
    facts = facts_of(database)
    (result,) = settings_checks(context, (DATABASE,))
    assert (result.status, result.details) == (CheckStatus.PASSED, ())
    assert SettingFacts("odoo", False, "statement_timeout", "5min") in (facts.settings or ())

    own = replace(facts, settings=(SettingFacts("", False, "default_transaction_read_only", "on"),))
    lab.execute(f"ALTER DATABASE {DATABASE} SET default_transaction_read_only TO on")
    with lab.connect(DATABASE) as connection:
        found = settings_finding(connection, own, "postgres")
    assert found.status is CheckStatus.PASSED
    assert found.details == ("production had set it read-only: it came back so",)

    with sql.connect(context.environment.database, DATABASE) as connection:
        connection.execute("CREATE TABLE work_of_the_engine ()")

    lab.execute(f"ALTER DATABASE {DATABASE} SET work_mem TO '8MB'")
    lab.execute(f"ALTER ROLE odoo IN DATABASE {DATABASE} RESET ALL")
    (result,) = settings_checks(context, (DATABASE,))
    assert result.status is CheckStatus.WARNING
    assert result.details == (
        "setting work_mem=8MB, production had 7MB",
        "setting odoo: statement_timeout=5min of production is missing",
    )
