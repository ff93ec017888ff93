"""Layouts of backups by others: what each tells, and what it leaves unknown."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from restore.catalogue.foreign import ForeignGeneration, earliest
from restore.catalogue.layouts import LAYOUTS, open_layout
from restore.catalogue.openerp import resolve_day
from restore.errors import DamagedGenerationError, NotFoundError, UsageError
from restore.model import ArtifactKind, DumpForm
from restore.profile import Profile, load_profile
from restore.repository.base import started_of
from tests.support.foreign_samples import (
    DOCUMENTS,
    ODOO_MANIFEST,
    PLAIN,
    CustomDump,
    odoo_members,
    tar_member,
    tar_of,
    zip_of,
)

PROFILE: Profile = load_profile("odoo")


def read(layout: str, path: Path) -> ForeignGeneration:
    """The newest backup of a layout."""
    opened = open_layout(f"{layout}:{path}", PROFILE)
    return opened.read(opened.ids()[-1])


def contents(foreign: ForeignGeneration) -> dict[str, bytes]:
    """Every file, under its artefact's folder."""
    found = {}
    for artifact in foreign.artifacts:
        for file in artifact.files():
            with file.open() as stream:
                found[f"{artifact.spec.folder}/{file.path}"] = stream.read(1 << 20)
    return found


@pytest.mark.parametrize("text", ["", "odoo-zip", "odoo-zip:", "tape:/x", "/x/y"])
def test_what_is_no_layout_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="LAYOUT:PATH") as caught:
        open_layout(text, PROFILE)
    assert all(name in caught.value.hint for name in LAYOUTS)


def test_odoo_s_zip(tmp_path: Path) -> None:
    path = zip_of(odoo_members(), tmp_path / "backup.zip")
    foreign = read("odoo-zip", path)
    generation = foreign.generation
    prints = generation.fingerprint
    (facts,) = prints.databases
    assert (facts.name, facts.owner, facts.encoding) == ("specibike_prod", "", "UTF8")
    assert facts.unknown == ("owner", "collate", "ctype", "size")
    assert [module.name for module in facts.modules] == ["base", "sale"]
    assert prints.erp_series == "14.0" and prints.erp.version == "14.0-20231205"
    assert prints.postgresql.version_number == 130023
    assert generation.origin is not None
    assert generation.origin.unknown == ("consistency_point", "roles", "configuration")
    assert generation.origin.roles == ("openerp", "re porting")
    assert generation.consistency_point == started_of(generation.id)
    # The archive's clock: the file may have been copied later.
    assert generation.consistency_point == datetime(2026, 11, 23, 18, tzinfo=UTC)
    found = contents(foreign)
    documents = {f"documents/filestore/specibike_prod/{k}": v for k, v in DOCUMENTS.items()}
    assert found.keys() == {"database/specibike_prod/dump.sql", *documents}
    assert all(found[name] == content for name, content in documents.items())
    assert sum(item.size for item in foreign.artifacts) == sum(map(len, found.values()))


def test_odoo_s_zip_with_a_custom_dump_and_no_documents(tmp_path: Path) -> None:
    members = {"dump.dump": CustomDump().render(), "manifest.json": odoo_members()["manifest.json"]}
    foreign = read("odoo-zip", zip_of(members, tmp_path / "backup.zip"))
    assert foreign.artifacts[0].spec.form is DumpForm.CUSTOM
    (documents,) = foreign.generation.artifacts_of(ArtifactKind.DOCUMENTS)
    assert documents.bytes == 0
    assert foreign.generation.fingerprint.databases[0].owner == "openerp"


def test_odoo_s_dump_without_documents(tmp_path: Path) -> None:
    (tmp_path / "x.dump").write_bytes(CustomDump().render())
    foreign = read("odoo-zip", tmp_path / "x.dump")
    (facts,) = foreign.generation.fingerprint.databases
    assert facts.name == "specibike"
    assert "modules" in facts.unknown
    assert foreign.generation.origin is not None
    assert {"documents", "erp"} <= set(foreign.generation.origin.unknown)


def broken_manifest(**changes: Any) -> bytes:
    return json.dumps({**ODOO_MANIFEST, **changes}).encode()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"manifest.json": None}, r"no manifest\.json"),
        ({"manifest.json": b"{"}, "not Odoo's"),
        ({"manifest.json": b"[]"}, "not Odoo's"),
        ({"manifest.json": broken_manifest(db_name="../x")}, "not Odoo's"),
        ({"manifest.json": broken_manifest(db_name=None)}, "not Odoo's"),
        ({"manifest.json": broken_manifest(modules=3)}, "not Odoo's"),
        ({"dump.sql": None}, "holds none of"),
        ({"db.dump": b"x"}, "holds dump.sql, db.dump of"),
        ({"dump.sql": PLAIN[:900]}, "was cut"),
        ({"filestore/../../x": b"x"}, "outside"),
    ],
)
def test_a_broken_zip_of_odoo_is_told(
    changes: dict[str, bytes | None], what: str, tmp_path: Path
) -> None:
    members = {k: v for k, v in {**odoo_members(), **changes}.items() if v is not None}
    with pytest.raises(DamagedGenerationError, match=what):
        read("odoo-zip", zip_of(members, tmp_path / "backup.zip"))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("day", "modified", "created", "expected"),
    [
        (327, utc(2026, 11, 23, 2), None, date(2026, 11, 23)),
        # Written after midnight, and the other way round: a clock elsewhere shows tomorrow.
        (365, utc(2026, 1, 1, 0, 20), None, date(2025, 12, 31)),
        (1, utc(2025, 12, 31, 23, 30), None, date(2026, 1, 1)),
        (2, utc(2025, 12, 31, 23, 30), None, date(2025, 1, 2)),
        (366, utc(2024, 12, 31, 23), None, date(2024, 12, 31)),
        (366, utc(2027, 3, 1), None, date(2024, 12, 31)),
        (365, utc(2024, 12, 31, 23), None, date(2024, 12, 30)),
        # Copied years later: the dump itself tells.
        (365, utc(2030, 6, 1), datetime(2025, 12, 31, 23, 59), date(2025, 12, 31)),
        (365, utc(2030, 6, 1), datetime(2026, 1, 1, 0, 1), date(2025, 12, 31)),
        (1, utc(2030, 6, 1), datetime(2025, 12, 31, 23, 59), date(2026, 1, 1)),
        # Renamed: neither year fits, so the file's own time counts.
        (40, utc(2026, 11, 23), datetime(2026, 11, 23, 2), date(2026, 2, 9)),
    ],
)
def test_a_day_of_the_year_becomes_a_date(
    day: int, modified: datetime, created: datetime | None, expected: date
) -> None:
    assert resolve_day(day, modified, created) == expected


@pytest.mark.parametrize("day", [0, 367, 999])
def test_no_year_has_such_a_day(day: int) -> None:
    with pytest.raises(ValueError, match="no year"):
        resolve_day(day, utc(2026, 1, 1), None)


def test_a_dump_is_never_newer_than_told() -> None:
    assert earliest(utc(2026, 1, 2), None) == utc(2026, 1, 2)
    assert earliest(utc(2026, 1, 2), datetime(2026, 1, 1)) == utc(2026, 1, 1)
    assert earliest(utc(2026, 1, 2), datetime(2026, 1, 3)) == utc(2026, 1, 2)


def nightly(folder: Path, moments: dict[str, datetime]) -> Path:
    """Dumps named and dated as the training case's script does."""
    tree = folder / "sauvegardesLocales"
    tree.mkdir()
    for name, moment in moments.items():
        path = tree / name
        path.write_bytes(CustomDump(created=moment.replace(tzinfo=None)).render())
        ended = (moment + timedelta(minutes=3)).timestamp()
        os.utime(path, (ended, ended))
    (tree / "erreurs.log").write_text("")
    return folder


def test_the_training_case_s_tree(tmp_path: Path) -> None:
    eve, new_year = utc(2025, 12, 31, 23, 58), utc(2026, 1, 2, 23, 58)
    path = nightly(
        tmp_path,
        {
            "specibike_lyon.dump.365": eve,
            "specibike_nantes.dump.365": eve + timedelta(minutes=4),
            "specibike_lyon.dump.002": new_year,
        },
    )
    for given in (path, path / "sauvegardesLocales"):
        layout = open_layout(f"openerp:{given}", PROFILE)
        assert [started_of(name) for name in layout.ids()] == [eve, new_year]
    first, last = (layout.read(name) for name in layout.ids())
    assert [facts.name for facts in first.generation.fingerprint.databases] == [
        "specibike_lyon",
        "specibike_nantes",
    ]
    assert [facts.name for facts in last.generation.fingerprint.databases] == ["specibike_lyon"]
    assert first.generation.consistency_point == eve
    assert first.generation.finished == eve + timedelta(minutes=7)
    assert first.generation.fingerprint.erp_series == ""
    assert first.generation.origin is not None
    assert first.generation.origin.roles == ("openerp", "reporting", "x")
    assert first.generation.origin.unknown == (
        "consistency_point", "roles", "documents", "configuration", "erp",
    )  # fmt: skip
    assert layout.ids() == open_layout(f"openerp:{path}", PROFILE).ids()


def test_one_bad_night_does_not_hide_the_others(tmp_path: Path) -> None:
    moments = {f"specibike.dump.{day:03}": utc(2026, 1, day, 2) for day in (3, 4, 5)}
    tree = nightly(tmp_path, moments) / "sauvegardesLocales"
    for name, content in (("specibike.dump.004", b""), ("specibike.dump.005", PLAIN)):
        times = (tree / name).stat()
        (tree / name).write_bytes(content)
        os.utime(tree / name, (times.st_atime, times.st_mtime))
    layout = open_layout(f"openerp:{tmp_path}", PROFILE)
    good, empty, plain = layout.ids()
    assert layout.read(good).artifacts
    with pytest.raises(DamagedGenerationError, match=r"004.* was cut"):
        layout.read(empty)
    with pytest.raises(DamagedGenerationError, match="no dump of pg_dump -Fc"):
        layout.read(plain)
    with pytest.raises(NotFoundError):
        layout.read("20200101T000000Z-000000")


def test_no_tree_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no folder"):
        open_layout(f"openerp:{tmp_path / 'absent'}", PROFILE)


def mapped(folder: Path, **changes: Any) -> Path:
    """A folder with a mapping, whose parts can be replaced."""
    (folder / "x.sql").write_bytes(PLAIN)
    (folder / "x.dump").write_bytes(CustomDump().render())
    (folder / "globals.sql").write_text(
        "CREATE ROLE openerp;\n"
        "ALTER ROLE openerp WITH LOGIN PASSWORD 'SCRAM-SHA-256$4096:a''b' VALID UNTIL 'infinity';\n"
    )
    (folder / "odoo.conf").write_text("[options]\ndb_user = openerp\n")
    (folder / "docs.tar").write_bytes(tar_of([(tar_member("fs/0a/1"), b"document")]))
    mapping = {
        "databases": [
            {"name": "prod", "dump": "x.sql", "owner": "openerp", "locale": "fr_FR.utf8"},
            {"name": "test", "dump": "x.dump", "owner": "ignored: the dump tells"},
        ],
        "roles": "globals.sql",
        "erp": {"series": "14.0"},
        "documents": [
            {"tree": "filestore", "database": "prod", "path": "docs.tar", "within": "fs"}
        ],
        "configuration": [{"server": "erp", "name": "odoo.conf", "path": "odoo.conf"}],
        **changes,
    }
    path = folder / "mapping.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in mapping.items() if v is not None}))
    return path


def test_a_mapped_folder(tmp_path: Path) -> None:
    foreign = read("folder", mapped(tmp_path))
    prod, test = foreign.generation.fingerprint.databases
    assert (prod.owner, prod.collate, prod.ctype) == ("openerp", "fr_FR.utf8", "fr_FR.utf8")
    assert prod.unknown == ("size", "modules")
    assert test.owner == "openerp"
    assert foreign.generation.fingerprint.erp_series == "14.0"
    assert foreign.generation.origin is not None
    assert foreign.generation.origin.unknown == ("consistency_point",)
    # The earliest that is told: by the custom dump's own clock.
    assert foreign.generation.consistency_point == utc(2025, 12, 31, 23, 59, 5)
    found = contents(foreign)
    # The hash of a password stays where it is.
    assert found["roles/roles.sql"] == (
        b"CREATE ROLE openerp;\nALTER ROLE openerp WITH LOGIN VALID UNTIL 'infinity';\n"
    )
    assert found["documents/filestore/prod/0a/1"] == b"document"
    assert found["configuration/erp/odoo.conf"].startswith(b"[options]")
    assert found["database/test/dump"] == CustomDump().render()


def test_a_mapped_folder_with_its_time_and_a_folder_of_documents(tmp_path: Path) -> None:
    (tmp_path / "docs" / "in").mkdir(parents=True)
    (tmp_path / "docs" / "in" / "1").write_bytes(b"one")
    documents = {"tree": "filestore", "database": "prod", "path": "docs", "within": "./in/"}
    path = mapped(tmp_path, documents=[documents], time="2026-11-23T18:00:00+01:00")
    foreign = read("folder", path)
    assert foreign.generation.consistency_point == utc(2026, 11, 23, 17)
    assert foreign.generation.origin is not None and foreign.generation.origin.unknown == ()
    assert contents(foreign)["documents/filestore/prod/1"] == b"one"


def test_yaml_s_own_times_are_taken(tmp_path: Path) -> None:
    path = mapped(tmp_path)
    path.write_text(path.read_text() + "\ntime: 2026-11-23T18:00:00+01:00\n")
    assert started_of(open_layout(f"folder:{path}", PROFILE).ids()[0]) == utc(2026, 11, 23, 17)


def test_all_errors_of_a_mapping_are_told_at_once(tmp_path: Path) -> None:
    path = mapped(
        tmp_path,
        time="yesterday",
        roles="absent.sql",
        databases=[{"name": "a", "dump": "absent"}, {"name": "a", "dump": "x.sql"}],
        documents=[
            {"tree": "share", "database": "b", "path": "docs.tar", "within": "../x"},
            {"tree": "share", "database": "b", "path": "docs.tar"},
        ],
        configuration=[{"server": "erp", "name": "other.conf", "path": "odoo.conf"}],
    )
    with pytest.raises(UsageError) as caught:
        open_layout(f"folder:{path}", PROFILE)
    for line in (
        "time: 'yesterday'", "roles:", "databases[0].dump:", "databases[1].name:",
        "documents[0].tree:", "documents[0].database:", "documents[0].within:",
        "documents[1]: share of b", "configuration[0]:",
    ):  # fmt: skip
        assert f"\n  {line}" in caught.value.message, line


def test_what_breaks_the_schema_is_told_at_once(tmp_path: Path) -> None:
    path = mapped(tmp_path, databases=[{"name": "a/b"}], root=3, color="blue")
    with pytest.raises(UsageError) as caught:
        open_layout(f"folder:{path}", PROFILE)
    for part in ("databases[0].name", "'dump' is a required", "root:", "'color' was unexpected"):
        assert part in caught.value.message


def test_a_mapping_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        open_layout(f"folder:{tmp_path / 'absent.yaml'}", PROFILE)
    (tmp_path / "x.yaml").write_text("a: [")
    with pytest.raises(UsageError, match="YAML"):
        open_layout(f"folder:{tmp_path / 'x.yaml'}", PROFILE)
    (tmp_path / "x.yaml").write_text("- a")
    with pytest.raises(UsageError, match="is wrong"):
        open_layout(f"folder:{tmp_path / 'x.yaml'}", PROFILE)


def test_roles_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = mapped(tmp_path)
    (tmp_path / "globals.sql").write_bytes(b"\0\1")
    with pytest.raises(DamagedGenerationError, match="no text"):
        read("folder", path)
