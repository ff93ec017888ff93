"""Imports: whole or nothing, once, and the original untouched; then planned like a capture."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.plans.cases import target
from restore.adapters.postgres.commands import identifier
from restore.catalogue.importing import import_generation, temporary_folder
from restore.catalogue.layouts import open_layout
from restore.cli.main import run
from restore.errors import DamagedGenerationError, ExitCode
from restore.model import (
    ArtifactKind,
    DumpForm,
    EnvironmentFacts,
    Generation,
    RestorePlan,
    ServerFacts,
    StepKind,
    Versioned,
)
from restore.plan.blueprint import blueprint, configuration_texts
from restore.plan.equivalence.compare import compare
from restore.plan.planning import plan
from restore.plan.request import PlanRequest
from restore.profile import load_profile
from restore.repository.folder import FolderRepository
from restore.repository.verify import require_sound, verify
from tests.support.foreign_samples import PLAIN, CustomDump, odoo_members, zip_of
from tests.support.repository import fingerprint

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
PROFILE = load_profile("odoo")


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of Odoo in a folder of its own."""
    folder = tmp_path / "original"
    folder.mkdir()
    return zip_of(odoo_members(), folder / "backup.zip")


def imported(path: str, repository: FolderRepository) -> Generation:
    layout = open_layout(path, PROFILE)
    return import_generation(layout, "latest", repository, now=lambda: NOW).generation


def test_an_import_is_a_sound_generation_and_leaves_the_original(
    backup: Path, repository: FolderRepository
) -> None:
    os.utime(backup, (1000, 1795550400))
    before = fingerprint(backup.parent)
    # The fingerprint has read it, and so changed when it was read last.
    os.utime(backup, (1000, 1795550400))
    made = imported(f"odoo-zip:{backup}", repository)
    assert backup.stat().st_atime == 1000
    assert fingerprint(backup.parent) == before
    loaded = repository.load(made.id)
    assert loaded == made
    assert loaded.origin is not None and loaded.origin.imported == NOW
    require_sound(verify(repository, loaded, jobs=2))
    (database,) = loaded.artifacts_of(ArtifactKind.DATABASE)
    assert database.form is DumpForm.PLAIN
    content = (loaded.root / database.folder / "dump.sql").read_bytes()
    assert content == PLAIN.replace(b"\n\\restrict aB", b"\n-- \\restrict aB", 1).replace(
        b"\n\\unrestrict", b"\n-- \\unrestrict"
    )


def test_the_same_backup_is_imported_once(backup: Path, repository: FolderRepository) -> None:
    layout = open_layout(f"odoo-zip:{backup}", PROFILE)
    first = import_generation(layout, "latest", repository, now=lambda: NOW)
    again = import_generation(layout, "latest", repository, now=lambda: NOW)
    assert (first.new, again.new) == (True, False)
    assert again.generation == first.generation
    assert len(repository.ids()) == 1


def test_a_broken_backup_leaves_nothing(backup: Path, repository: FolderRepository) -> None:
    members = odoo_members(PLAIN[:1000])
    zip_of(members, backup)
    with pytest.raises(DamagedGenerationError):
        imported(f"odoo-zip:{backup}", repository)
    assert repository.ids() == () and repository.partials() == ()


def planned(made: Generation, repository: FolderRepository) -> RestorePlan:
    texts = configuration_texts(repository, made, PROFILE)
    unknown = ServerFacts("", 0, None, None)
    blue = blueprint(made, PROFILE, texts)
    where = target()
    configuration = replace(where.configuration, erp_role=blue.erp_role)
    return plan(
        PlanRequest(
            generation=made,
            profile=PROFILE,
            texts=texts,
            facts=EnvironmentFacts(unknown, unknown, ""),
            target=replace(where, configuration=configuration),
        )
    )


def test_a_plain_dump_without_owners_is_planned(backup: Path, repository: FolderRepository) -> None:
    made = imported(f"odoo-zip:{backup}", repository)
    steps = {step.kind: step for step in planned(made, repository).steps}
    temporary = steps[StepKind.CREATE_DATABASE].target
    roles = steps[StepKind.ROLES]
    assert roles.source is None and roles.target == "odoo"
    for name in ("odoo", "openerp", "re porting"):
        assert any(f"CREATE ROLE {identifier(name)};" in word for word in roles.argv)
    (create,) = (w for w in steps[StepKind.CREATE_DATABASE].argv if "CREATE DATABASE" in w)
    assert create.endswith("OWNER \"odoo\" TEMPLATE template0 ENCODING 'UTF8'")
    load = steps[StepKind.RESTORE_DATABASE].argv
    assert load[0] == "psql" and "--single-transaction" in load and "--set=ON_ERROR_STOP=1" in load
    assert f"--command=SET ROLE {identifier(temporary)}" in load
    assert load[-1] == "--file=-"
    assert steps[StepKind.RESTORE_DATABASE].source == "database/specibike_prod"
    give = steps[StepKind.GIVE_OWNERSHIP].argv
    assert f'--command=REASSIGN OWNED BY {identifier(temporary)} TO "odoo"' in give
    assert blueprint(made, PROFILE, ()).database.environment[1:] == (
        "POSTGRES_INITDB_ARGS=--encoding=UTF8",
    )


def test_a_custom_dump_without_documents_is_planned(
    tmp_path: Path, repository: FolderRepository
) -> None:
    (tmp_path / "sauvegardesLocales").mkdir()
    (tmp_path / "sauvegardesLocales" / "specibike.dump.365").write_bytes(CustomDump().render())
    made = imported(f"openerp:{tmp_path}", repository)
    found = planned(made, repository)
    kinds = [step.kind for step in found.steps]
    assert StepKind.DOCUMENTS not in kinds and StepKind.CONFIGURATION in kinds
    load = next(step for step in found.steps if step.kind is StepKind.RESTORE_DATABASE)
    assert load.argv[0] == "pg_restore" and load.argv[-1].endswith("/database/specibike/dump")
    assert f"--role={load.target}" in load.argv
    assert blueprint(made, PROFILE, ()).erp_role == "openerp"


def test_what_is_unknown_makes_no_difference(backup: Path, repository: FolderRepository) -> None:
    made = imported(f"odoo-zip:{backup}", repository)
    facts = EnvironmentFacts(
        ServerFacts("13.23", 130023, "Debian", None),
        ServerFacts("14.0-20231205", 0, "Debian", None),
        "14.0",
        extensions=(Versioned("unaccent", "1.1"),),
        collations=(),
        encodings=("UTF8",),
        modules=("base", "sale"),
    )
    assert compare(made.fingerprint, facts) == ()


def test_a_temporary_folder_goes_and_takes_dead_ones_along(tmp_path: Path) -> None:
    parent = tmp_path / "imports"
    (parent / "dead" / "inner").mkdir(parents=True)
    (parent / "dead" / "inner").chmod(0o500)
    with temporary_folder(parent) as first:
        assert not (parent / "dead").exists()
        with temporary_folder(parent) as second:
            assert first.is_dir() and second.is_dir()
    assert [path for path in parent.iterdir() if path.is_dir()] == []


def test_the_command_imports_and_shows(
    backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = str(tmp_path / "made")
    assert run(["import", f"odoo-zip:{backup}", "--repository", repository]) == ExitCode.PASS
    assert capsys.readouterr().out.startswith("imported 2026")
    again = ["--json", "import", f"odoo-zip:{backup}", "--repository", repository, "--all"]
    assert run(again) == ExitCode.PASS
    (one,) = json.loads(capsys.readouterr().out)
    assert one["new"] is False and one["origin"] == f"odoo-zip:{backup}"
    assert run(["generations", "show", "latest", "--repository", repository]) == ExitCode.PASS
    shown = capsys.readouterr().out
    assert f"imported from odoo-zip:{backup}" in shown and "roles, configuration" in shown


def test_the_command_tells_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = ["--repository", str(tmp_path / "made")]
    assert run(["import", "tape:/x", *repository]) == ExitCode.USAGE
    assert run(["import", f"odoo-zip:{tmp_path / 'absent'}", *repository]) == ExitCode.NOT_FOUND
    (tmp_path / "x.zip").write_bytes(b"nothing")
    assert run(["import", f"odoo-zip:{tmp_path / 'x.zip'}", *repository]) == ExitCode.DAMAGED
    capsys.readouterr()
    assert run(["drill", "--keep", "--from", f"odoo-zip:{tmp_path / 'x.zip'}"]) == ExitCode.USAGE
    assert "pra import" in capsys.readouterr().err
