"""Dumps of the real pg_dump in every form, imported and replayed into a real server."""

from __future__ import annotations

import gzip
import lzma
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
import zstandard

from restore.catalogue.importing import import_generation
from restore.catalogue.layouts import open_layout
from restore.context import ReplayContext
from restore.model import CheckStatus, DumpForm, Generation, StepKind, StepStatus
from restore.profile import Profile, load_profile
from restore.replay.replay import replay
from restore.repository.folder import FolderRepository
from restore.repository.verify import require_sound, verify
from tests.support.repository import DATABASE, fingerprint
from tests.support.servers import SCHEMA, DatabaseLab, environment_of, make_plan

pytestmark = pytest.mark.docker

ODD = """
CREATE EXTENSION unaccent;
CREATE SCHEMA stock;
CREATE TABLE stock."Odd ""o"" ne" (id serial PRIMARY KEY, note text);
INSERT INTO stock."Odd ""o"" ne" (note) VALUES
    (E'\\\\! no command'), (E'two\\nlines\\n\\\\.\\n'), ('it''s -- "quoted" $$'), (NULL), ('');
COMMENT ON TABLE stock."Odd ""o"" ne" IS E'a\\n\\\\restrict abc\\nb';
CREATE FUNCTION stock.odd() RETURNS text LANGUAGE sql AS $f$
/* a text:
\\! no command */
SELECT 'it''s'::text;
$f$;
CREATE TYPE stock.colour AS ENUM ('red', 'blue');
GRANT SELECT ON ALL TABLES IN SCHEMA public TO "re porting";
SELECT lo_from_bytea(0, 'a large object');
"""


@dataclass(frozen=True)
class Form:
    """One way to dump: pg_dump's options, and what is done with its output."""

    options: tuple[str, ...]
    form: DumpForm
    compress: Callable[[bytes], bytes] = bytes
    rows: bool = True


FORMS = {
    "plain": Form(("--no-owner",), DumpForm.PLAIN),
    "gzip": Form(("--create",), DumpForm.PLAIN, gzip.compress),
    "xz": Form(("--inserts", "--no-privileges"), DumpForm.PLAIN, lzma.compress, rows=False),
    "zstd": Form(("--use-set-session-authorization",), DumpForm.PLAIN, zstandard.compress),
    "custom": Form(("--format=custom", "--no-owner"), DumpForm.CUSTOM),
    "directory": Form(("--format=directory",), DumpForm.DIRECTORY),
}


@pytest.fixture(scope="module")
def dumps(database_lab: DatabaseLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a dump in each form, named by it."""
    lab, folder = database_lab, tmp_path_factory.mktemp("dumps")
    lab.sweep()
    for role in ("odoo", '"re porting"'):
        name = role.strip('"')
        if not lab.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'"):  # noqa: S608
            lab.execute(f"CREATE ROLE {role} LOGIN")
    lab.execute(f"CREATE DATABASE {DATABASE} OWNER odoo TEMPLATE template0")
    lab.execute("CREATE EXTENSION unaccent", DATABASE)
    lab.execute("SET ROLE odoo;" + SCHEMA + ODD.replace("CREATE EXTENSION unaccent;", ""), DATABASE)
    lab.execute(f"ALTER DATABASE {DATABASE} SET work_mem TO '8MB'")
    lab.execute(f'GRANT CONNECT ON DATABASE {DATABASE} TO "re porting"')
    for name, form in FORMS.items():
        _dump(lab, folder / name, form)
    lab.sweep()
    yield folder


def _dump(lab: DatabaseLab, target: Path, form: Form) -> None:
    path = f"/tmp/{secrets.token_hex(4)}"
    argv = ("pg_dump", "--username=postgres", *form.options, f"--file={path}", DATABASE)
    lab.runner.check(lab.container, argv, user="postgres")
    for member, content in lab.runner.read_archive(lab.container, path):
        if member.isdir():
            target.mkdir()
        elif target.is_dir():
            (target / Path(member.name).name).write_bytes(content.read())
        else:
            target.write_bytes(form.compress(content.read()))


def imported(dump: Path, repository: FolderRepository, profile: Profile) -> Generation:
    mapping = Path(repository.location).parent / "mapping.yaml"
    documents = Path(repository.location).parent / "documents"
    documents.mkdir()
    database = {"name": DATABASE, "dump": str(dump)}
    files = {"tree": "filestore", "database": DATABASE, "path": str(documents)}
    mapping.write_text(yaml.safe_dump({"databases": [database], "documents": [files]}))
    layout = open_layout(f"folder:{mapping}", profile)
    return import_generation(layout, "latest", repository, now=lambda: datetime.now(UTC)).generation


def scene_of(
    generation: Generation, lab: DatabaseLab, repository: FolderRepository, erp: str
) -> ReplayContext:
    return ReplayContext(
        runner=lab.runner,
        environment=environment_of(lab, repository, erp),
        repository=repository,
        generation=generation,
        profile=load_profile("odoo"),
        now=lambda: datetime.now(UTC),
    )


@pytest.mark.parametrize("name", FORMS)
def test_a_dump_in_any_form_is_imported_and_replayed(
    name: str,
    dumps: Path,
    clean_lab: DatabaseLab,
    repository: FolderRepository,
    odoo_profile: Profile,
    erp_container: str,
) -> None:
    form, lab, original = FORMS[name], clean_lab, dumps / name
    before = fingerprint(dumps)
    generation = imported(original, repository, odoo_profile)
    assert fingerprint(dumps) == before
    require_sound(verify(repository, generation, jobs=2))
    (facts,) = generation.fingerprint.databases
    assert generation.artifacts[0].form is form.form
    assert generation.fingerprint.postgresql.version_number >= 130000
    assert [item.name for item in facts.extensions] == ["unaccent"]
    assert {(table.schema, table.name) for table in facts.tables} >= {("stock", 'Odd "o" ne')}
    assert all((table.rows is not None) == form.rows for table in facts.tables)
    # Nobody has this role yet where the backup is restored.
    lab.execute('DROP ROLE IF EXISTS "re porting"')

    context = scene_of(generation, lab, repository, erp_container)
    outcome = replay(make_plan(context, lab), context)

    broken = [step for step in outcome.steps if step.status is not StepStatus.SUCCEEDED]
    assert broken == []
    statuses = {check.id.partition(":")[0]: check for check in outcome.checks}
    tables = statuses["database.tables"]
    expected = CheckStatus.PASSED if form.rows else CheckStatus.UNVERIFIABLE
    assert (tables.status, bool(tables.reason)) == (expected, not form.rows), tables
    told = form.form is not DumpForm.PLAIN
    objects = CheckStatus.PASSED if told else CheckStatus.UNVERIFIABLE
    assert statuses["database.objects"].status is objects, statuses["database.objects"]
    assert statuses["database.role"].status is CheckStatus.PASSED
    assert_restored(lab)
    # A plain dump says so only together with the making of its database.
    own = [] if form.form is DumpForm.PLAIN else [(["work_mem=8MB"],)]
    assert lab.execute("SELECT setconfig FROM pg_db_role_setting", DATABASE) == own


def assert_restored(lab: DatabaseLab) -> None:
    """All is there, belongs to the ERP's role, and the loader is gone."""
    assert lab.databases() == {DATABASE}
    assert lab.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE '%\\_\\_pra\\_%'") == []
    notes = lab.execute('SELECT note FROM stock."Odd ""o"" ne" ORDER BY id', DATABASE)
    assert notes == [
        ("\\! no command",), ("two\nlines\n\\.\n",), ("it's -- \"quoted\" $$",), (None,), ("",),
    ]  # fmt: skip
    text = 'SELECT obj_description(\'stock."Odd ""o"" ne"\'::regclass), stock.odd()'
    assert lab.execute(text, DATABASE) == [("a\n\\restrict abc\nb", "it's")]
    assert lab.execute("SELECT count(*) FROM sale_order", DATABASE) == [(40,)]
    owners = """
        SELECT DISTINCT pg_get_userbyid(owner) FROM (
            SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname IN ('public', 'stock')
            UNION SELECT typowner FROM pg_type WHERE typname = 'colour'
            UNION SELECT proowner FROM pg_proc WHERE proname = 'odd'
            UNION SELECT nspowner FROM pg_namespace WHERE nspname = 'stock'
            UNION SELECT lomowner FROM pg_largeobject_metadata
            UNION SELECT datdba FROM pg_database WHERE datname = current_database()
        ) AS owned (owner)
    """
    assert lab.execute(owners, DATABASE) == [("odoo",)]


def test_a_plain_dump_that_was_cut_in_the_repository_is_not_loaded(
    dumps: Path,
    clean_lab: DatabaseLab,
    repository: FolderRepository,
    odoo_profile: Profile,
    erp_container: str,
) -> None:
    generation = imported(dumps / "plain", repository, odoo_profile)
    artifact = generation.artifacts[0]
    (entry,) = repository.read_index(generation, artifact)
    path = generation.root / artifact.folder / entry.path
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[: len(content) // 2])

    context = scene_of(generation, clean_lab, repository, erp_container)
    outcome = replay(make_plan(context, clean_lab), context)

    (failed,) = [step for step in outcome.steps if step.status is StepStatus.FAILED]
    assert failed.id == f"restore-database:{DATABASE}" and "was cut" in failed.reason
    assert DATABASE not in clean_lab.databases()


def test_a_dump_that_fails_half_way_leaves_no_half_database(
    dumps: Path,
    clean_lab: DatabaseLab,
    repository: FolderRepository,
    odoo_profile: Profile,
    erp_container: str,
    tmp_path: Path,
) -> None:
    broken = tmp_path / "broken.sql"
    text = (dumps / "plain").read_bytes()
    broken.write_bytes(text.replace(b"CREATE VIEW", b"SELECT no_such_function();\nCREATE VIEW", 1))
    generation = imported(broken, repository, odoo_profile)
    context = scene_of(generation, clean_lab, repository, erp_container)
    plan = make_plan(context, clean_lab)
    outcome = replay(plan, context)
    (failed,) = [step for step in outcome.steps if step.status is StepStatus.FAILED]
    assert "no_such_function" in failed.reason
    (loaded,) = [step for step in plan.steps if step.kind is StepKind.RESTORE_DATABASE]
    assert loaded.target not in clean_lab.databases()
