"""Replays of a small production into real servers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

import psycopg
import pytest

from restore.adapters.docker.health import read_health
from restore.adapters.postgres import sql
from restore.context import ReplayContext
from restore.model import (
    Acceptance,
    CheckStatus,
    DatabaseFacts,
    RestorePlan,
    Step,
    StepKind,
    StepResult,
    StepStatus,
    TableFacts,
)
from restore.replay.replay import ReplayInterrupted, replay
from restore.replay.steps.databases import find_databases
from restore.replay.steps.documents import find_documents
from tests.support.repository import DATABASE, flip_byte, forget_file, small_documents
from tests.support.servers import ERP_PASSWORD, ROLES, Scene, Source

pytestmark = pytest.mark.docker

FILESTORE = f"/var/lib/odoo/filestore/{DATABASE}"


def the(steps: tuple[StepResult, ...], plan: RestorePlan, kind: StepKind) -> StepResult:
    """The result of the step of a kind."""
    step = next(step for step in plan.steps if step.kind is kind)
    return next(result for result in steps if result.id == step.id)


def only(plan: RestorePlan, *kinds: StepKind) -> RestorePlan:
    """A plan cut down to some kinds of steps."""
    return replace(plan, steps=tuple(step for step in plan.steps if step.kind in kinds))


def failures(steps: tuple[StepResult, ...]) -> list[str]:
    return [f"{s.id}: {s.reason}" for s in steps if s.status is not StepStatus.SUCCEEDED]


def files_of(scene: Scene, folder: str) -> dict[str, str]:
    """Owner, group and mode of everything under a folder of the ERP's volume, by path."""
    output = scene.in_erp("find", folder, "-printf", "%P %U:%G %m\\n")
    return {path: rest for path, _, rest in (line.partition(" ") for line in output.splitlines())}


def test_a_whole_replay(scene: Scene) -> None:
    plan = scene.plan()

    outcome = replay(plan, scene.context)

    assert failures(outcome.steps) == []
    assert [step.id for step in outcome.steps] == [step.id for step in plan.steps]
    assert {check.status for check in outcome.checks} == {CheckStatus.PASSED}
    assert scene.lab.databases() == {DATABASE}
    assert scene.lab.execute("SELECT count(*) FROM res_partner", DATABASE) == [(12,)]
    with sql.connect(scene.context.environment.database, "postgres") as connection:
        assert [(d.name, d.ours) for d in find_databases(connection)] == [(DATABASE, True)]
    with sql.connect(scene.context.environment.database, DATABASE, as_erp=True) as connection:
        assert connection.execute("SELECT count(*) FROM sale_order").fetchone() == (40,)
    assert read_health(scene.context.runner, scene.erp) == "healthy"


def test_the_databases_own_settings_and_rights_come_back(scene: Scene) -> None:
    replay(scene.plan(), scene.context)

    assert scene.lab.execute("SHOW work_mem", DATABASE) == [("7MB",)]
    entries = "SELECT has_database_privilege('public', datname, 'CONNECT') FROM pg_database"
    assert scene.lab.execute(f"{entries} WHERE datname = '{DATABASE}'") == [(False,)]
    with sql.connect(scene.context.environment.database, DATABASE, as_erp=True) as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("5min",)


def test_documents_come_back_with_owner_modes_and_content(scene: Scene) -> None:
    replay(scene.plan(), scene.context)

    found = files_of(scene, "/var/lib/odoo/filestore")
    documents = small_documents()
    assert found[""] == "101:101 755"
    assert found[DATABASE] == "101:101 755"
    for path in documents:
        assert found[f"{DATABASE}/{path}"] == "101:101 644"
        assert found[f"{DATABASE}/{path.split('/', maxsplit=1)[0]}"] == "101:101 755"
    for path, content in documents.items():
        restored = scene.context.runner.read_file(scene.erp, f"{FILESTORE}/{path}")
        assert hashlib.sha256(restored).digest() == hashlib.sha256(content).digest()
    assert not [name for name in found if "pra" in name.removeprefix(DATABASE)]
    moved = [progress.done_items for progress in scene.heard if progress.total_items]
    assert max(moved) == len(documents)


def test_documents_that_are_there_are_found_before_anything_is_changed(scene: Scene) -> None:
    def found() -> tuple[str, ...]:
        runner, profile = scene.context.runner, scene.context.profile
        return find_documents(runner, scene.erp, profile, ("nobodys", DATABASE))

    assert found() == ()
    scene.in_erp("mkdir", "-p", f"{FILESTORE}/aa")
    assert found() == ()
    scene.in_erp("touch", f"{FILESTORE}/aa/file")
    assert found() == (FILESTORE,)


def test_the_configuration_names_the_environment_and_keeps_the_rest(scene: Scene) -> None:
    replay(scene.plan(), scene.context)

    text = scene.context.runner.read_file(scene.erp, "/etc/odoo/odoo.conf").decode()
    assert f"db_host = {scene.lab.address}" in text
    assert f"db_password = {ERP_PASSWORD.reveal()}" in text
    assert "pw-of-production" not in text
    assert "data_dir = /var/lib/odoo" in text
    for member, _ in scene.context.runner.read_archive(scene.erp, "/etc/odoo/odoo.conf"):
        assert (member.uid, member.gid, member.mode & 0o7777) == (101, 101, 0o640)


def test_no_log_holds_the_erp_password(scene: Scene) -> None:
    scene.lab.execute("ALTER SYSTEM SET log_statement = 'all'")
    scene.lab.execute("SELECT pg_reload_conf()")
    try:
        replay(only(scene.plan(), StepKind.ROLES), scene.context)
    finally:
        scene.lab.execute("ALTER SYSTEM RESET log_statement")
        scene.lab.execute("SELECT pg_reload_conf()")

    log = scene.context.runner.container(scene.lab.container).logs().decode()
    assert "ALTER ROLE" in log
    assert "SCRAM-SHA-256$" in log
    assert ERP_PASSWORD.reveal() not in log


def test_a_second_replay_replaces_what_the_first_restored(scene: Scene) -> None:
    replay(scene.plan(), scene.context)
    scene.lab.execute("DELETE FROM sale_order", DATABASE)
    scene.in_erp("touch", f"{FILESTORE}/left-by-the-drill")

    outcome = replay(scene.plan(replace=True), scene.context)

    assert failures(outcome.steps) == []
    assert scene.lab.databases() == {DATABASE}
    assert scene.lab.execute("SELECT count(*) FROM sale_order", DATABASE) == [(40,)]
    assert "left-by-the-drill" not in files_of(scene, FILESTORE)


def test_an_interrupted_load_leaves_no_database_and_what_a_killed_one_left_is_replaced(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = scene.plan()
    restore = next(step for step in plan.steps if step.kind is StepKind.RESTORE_DATABASE)

    def interrupted(_context: ReplayContext, step: Step, _size: int) -> NoReturn:
        scene.lab.execute("CREATE TABLE half (id int)", step.target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("restore.replay.steps.databases._watched_size", interrupted)
        with pytest.raises(ReplayInterrupted) as raised:
            replay(plan, scene.context)
    statuses = {result.id: result.status for result in raised.value.outcome.steps}
    assert statuses[restore.id] is StepStatus.ABORTED
    assert scene.lab.databases() == set()

    # A killed one could not drop what it had made.
    create = (StepKind.ROLES, StepKind.CREATE_DATABASE)
    replay(only(plan, *create), scene.context)
    scene.lab.execute("CREATE TABLE half (id int)", restore.target)
    documents = next(step for step in plan.steps if step.kind is StepKind.DOCUMENTS)
    assert documents.staging is not None
    scene.in_erp("mkdir", "-p", f"{documents.staging}/half")

    outcome = replay(scene.plan(), scene.context)

    assert failures(outcome.steps) == []
    assert scene.lab.databases() == {DATABASE}
    assert scene.lab.execute("SELECT to_regclass('half')", DATABASE) == [(None,)]
    assert "half" not in files_of(scene, FILESTORE)


def test_a_temporary_database_that_is_not_ours_is_kept(scene: Scene) -> None:
    plan = scene.plan()
    name = next(step.target for step in plan.steps if step.kind is StepKind.CREATE_DATABASE)
    scene.lab.execute(f'CREATE DATABASE "{name}"')
    scene.lab.execute("CREATE TABLE precious (id int)", name)

    outcome = replay(plan, scene.context)

    result = the(outcome.steps, plan, StepKind.CREATE_DATABASE)
    assert result.status is StepStatus.FAILED
    assert "was not made by this engine" in result.reason
    assert scene.lab.execute("SELECT count(*) FROM precious", name) == [(0,)]


def test_a_wrong_database_is_never_promoted(scene_of: Callable[..., Scene], source: Source) -> None:
    scene = scene_of(facts=with_rows(source.facts, "res_partner", 13))
    plan = scene.plan()

    outcome = replay(plan, scene.context)

    result = the(outcome.steps, plan, StepKind.CHECK_DATABASE)
    assert result.status is StepStatus.FAILED
    assert "table public.res_partner: expected 13 rows, found 12" in result.reason
    assert the(outcome.steps, plan, StepKind.PROMOTE_DATABASE).status is StepStatus.SKIPPED
    assert DATABASE not in scene.lab.databases()
    failed = [check for check in outcome.checks if check.status is CheckStatus.FAILED]
    assert [check.id for check in failed] == [f"database.tables:{DATABASE}"]


def test_an_accepted_check_does_not_stop_the_replay(
    scene_of: Callable[..., Scene], source: Source
) -> None:
    key = f"database.tables:{DATABASE}"
    scene = scene_of(
        facts=with_rows(source.facts, "res_partner", 13),
        accepted=(Acceptance(key, "a test row was removed"),),
    )

    outcome = replay(scene.plan(), scene.context)

    assert failures(outcome.steps) == []
    ignored = next(check for check in outcome.checks if check.id == key)
    assert (ignored.status, ignored.reason) == (CheckStatus.IGNORED, "a test row was removed")


def test_promotion_replaces_a_database_that_the_user_gave_up(scene: Scene) -> None:
    scene.lab.execute(f"CREATE DATABASE {DATABASE}")
    scene.lab.execute("CREATE TABLE old (id int)", DATABASE)
    with scene.lab.connect(DATABASE) as connection:
        outcome = replay(scene.plan(replace=True), scene.context)

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert failures(outcome.steps) == []
    assert scene.lab.databases() == {DATABASE}
    assert scene.lab.execute("SELECT to_regclass('old')", DATABASE) == [(None,)]


def test_a_promotion_that_fails_changes_nothing(scene: Scene) -> None:
    scene.lab.execute(f"CREATE DATABASE {DATABASE}")
    scene.lab.execute("CREATE TABLE old (id int)", DATABASE)
    promotion = only(scene.plan(replace=True), StepKind.PROMOTE_DATABASE)

    # The temporary database does not exist: the second renaming is refused.
    outcome = replay(promotion, scene.context)

    assert [step.status for step in outcome.steps] == [StepStatus.FAILED]
    assert "does not exist" in outcome.steps[0].reason
    assert scene.lab.databases() == {DATABASE}
    assert scene.lab.execute("SELECT count(*) FROM old", DATABASE) == [(0,)]


def test_a_damaged_dump_fails_with_what_pg_restore_said(scene: Scene, source: Source) -> None:
    artifact = next(a for a in scene.context.generation.artifacts if a.name.startswith("database"))
    root = scene.context.generation.root / artifact.folder
    flip_byte(next(root.glob("*.dat.gz")), 12)
    plan = scene.plan()

    outcome = replay(plan, scene.context)

    result = the(outcome.steps, plan, StepKind.RESTORE_DATABASE)
    assert result.status is StepStatus.FAILED
    assert "pg_restore exited with 1" in result.reason
    assert "error:" in result.reason
    assert the(outcome.steps, plan, StepKind.START_ERP).status is StepStatus.SKIPPED


def test_a_damaged_document_is_found_while_it_streams(scene: Scene) -> None:
    plan = scene.plan()
    path = next(iter(small_documents()))
    artifact = next(a for a in scene.context.generation.artifacts if a.name.startswith("filestore"))
    flip_byte(scene.context.generation.root / artifact.folder / path)

    outcome = replay(plan, scene.context)

    result = the(outcome.steps, plan, StepKind.DOCUMENTS)
    assert result.status is StepStatus.FAILED
    assert path in result.reason
    assert the(outcome.steps, plan, StepKind.PROMOTE_DATABASE).status is StepStatus.SKIPPED
    assert scene.in_erp("find", "/var/lib/odoo/filestore", "-mindepth", "1") == ""


def test_documents_that_nobody_misses_come_back_as_they_are(scene: Scene) -> None:
    forget_file(scene.context.generation, f"filestore-{DATABASE}", next(iter(small_documents())))
    context = scene.context
    scene = scene.with_generation(context.repository.load(context.generation.id))

    outcome = replay(scene.plan(), scene.context)

    assert failures(outcome.steps) == []
    assert len([path for path in files_of(scene, FILESTORE) if "/" in path]) == 2


def test_a_tree_that_is_on_no_volume_is_refused(scene: Scene) -> None:
    plan = only(scene.plan(), StepKind.DOCUMENTS)
    plan = replace(plan, steps=(replace(plan.steps[0], staging="/srv/.new", target="/srv/new"),))

    outcome = replay(plan, scene.context)

    assert outcome.steps[0].status is StepStatus.FAILED
    assert "is on no volume" in outcome.steps[0].reason


def test_the_parent_of_documents_may_be_closed_to_the_erp(scene: Scene) -> None:
    scene.in_erp("chown", "root:root", "/var/lib/odoo")

    outcome = replay(only(scene.plan(), StepKind.DOCUMENTS), scene.context)

    assert failures(outcome.steps) == []
    assert files_of(scene, "/var/lib/odoo")["filestore"].startswith("101:")


def test_roles_come_back_whatever_their_names(
    scene_of: Callable[..., Scene], source: Source
) -> None:
    odd = '"h6; ""o\'brien"" é"'
    script = ROLES.decode() + (
        f"CREATE ROLE {odd};\nALTER ROLE {odd} WITH NOLOGIN CREATEDB;\n"
        f"COMMENT ON ROLE {odd} IS 'a; b''c';\nGRANT {odd} TO odoo GRANTED BY postgres;\n"
    )
    scene = scene_of(contents=replace(source.contents, roles=script.encode()))
    plan = only(scene.plan(), StepKind.ROLES)
    try:
        # The second replay finds them all there.
        for _ in range(2):
            assert failures(replay(plan, scene.context).steps) == []
        found = scene.lab.execute(
            "SELECT rolname, rolcreatedb, rolcanlogin FROM pg_roles WHERE rolname LIKE 'h6;%'"
        )
        assert found == [('h6; "o\'brien" é', True, False)]
        assert scene.lab.execute(
            "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid"
            " WHERE r.rolname LIKE 'h6;%'"
        ) == [(1,)]
    finally:
        scene.lab.execute(f"DROP ROLE IF EXISTS {odd}")


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (b"CREATE ROLE odoo", "ends within a statement: CREATE ROLE odoo"),
        (
            b"ALTER ROLE h6_nobody WITH LOGIN PASSWORD 'SCRAM-secret';",
            'ALTER ROLE h6_nobody: role "h6_nobody" does not exist',
        ),
    ],
)
def test_a_wrong_roles_script_says_which_statement_and_no_password(
    scene_of: Callable[..., Scene], source: Source, script: bytes, problem: str
) -> None:
    scene = scene_of(contents=replace(source.contents, roles=script))

    outcome = replay(only(scene.plan(), StepKind.ROLES), scene.context)

    assert outcome.steps[0].status is StepStatus.FAILED
    assert problem in outcome.steps[0].reason
    assert "SCRAM" not in outcome.steps[0].reason


@pytest.mark.parametrize(
    ("role", "problem"),
    [
        ("h6_missing", "is not among the generation's roles"),
        ("postgres", "is both the ERP's and the superuser"),
    ],
)
def test_the_role_of_the_erp_must_be_one_of_production(
    scene: Scene, role: str, problem: str
) -> None:
    plan = only(scene.plan(), StepKind.ROLES)
    environment = scene.context.environment
    database = replace(environment.database, erp_role=role)
    context = replace(scene.context, environment=replace(environment, database=database))

    outcome = replay(plan, context)

    assert outcome.steps[0].status is StepStatus.FAILED
    assert problem in outcome.steps[0].reason


def test_an_erp_that_does_not_start_fails_with_its_last_words(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = only(scene.plan(), StepKind.STOP_ERP, StepKind.START_ERP)
    monkeypatch.setattr("restore.replay.steps.servers.START_DEADLINE", 0.5)
    monkeypatch.setattr(
        "restore.adapters.docker.health.read_health", lambda _runner, _name: "starting"
    )

    outcome = replay(plan, scene.context)

    assert [step.status for step in outcome.steps] == [StepStatus.SUCCEEDED, StepStatus.FAILED]
    assert "was not healthy within" in outcome.steps[1].reason


def test_progress_of_a_restore_is_the_database_size(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restore.replay.steps.databases._POLL", 0.01)
    replay(
        only(scene.plan(), StepKind.ROLES, StepKind.CREATE_DATABASE, StepKind.RESTORE_DATABASE),
        scene.context,
    )

    expected = scene.context.generation.fingerprint.databases[0].size
    sizes = [p.done_bytes for p in scene.heard if p.total_bytes == expected]
    assert sizes
    assert max(sizes) <= expected


def test_a_step_without_staging_is_refused(scene: Scene) -> None:
    plan = only(scene.plan(), StepKind.DOCUMENTS, StepKind.PROMOTE_DOCUMENTS)
    plan = replace(plan, steps=tuple(replace(step, staging=None) for step in plan.steps))

    outcome = replay(plan, scene.context)

    assert "names no staging folder" in outcome.steps[0].reason


def test_nothing_staged_is_nothing_promoted(scene: Scene) -> None:
    scene.in_erp("mkdir", "-p", FILESTORE, user="odoo")

    outcome = replay(only(scene.plan(), StepKind.PROMOTE_DOCUMENTS), scene.context)

    assert "is not there to be promoted" in outcome.steps[0].reason
    assert DATABASE in files_of(scene, "/var/lib/odoo/filestore")


def with_rows(facts: DatabaseFacts, table: str, rows: int) -> DatabaseFacts:
    """The facts with another number of rows for a table."""
    changed = tuple(
        TableFacts(t.schema, t.name, rows) if t.name == table else t for t in facts.tables
    )
    return replace(facts, tables=changed)
