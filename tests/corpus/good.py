"""The good backups: made once of a real database by the server's own tools."""

from __future__ import annotations

import hashlib
import secrets
import zipfile
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import yaml

from restore.adapters.docker.facts import read_erp_facts, read_image, read_operating_system
from restore.adapters.postgres import commands
from restore.adapters.postgres.facts import read_database_facts, read_server_facts
from restore.catalogue.importing import import_generation
from restore.catalogue.layouts import open_layout
from restore.model import DatabaseFacts, Fingerprint, Generation
from restore.profile import Profile
from restore.repository import create_repository
from restore.repository.folder import FolderRepository
from tests.corpus.model import Base, Good
from tests.support.foreign_samples import odoo_members, tar_member, tar_of, zip_of
from tests.support.repository import DATABASE, STARTED, Contents, GenerationFactory
from tests.support.servers import SCHEMA, DatabaseLab, dump_files

ROLE = "reporting"
EXTENSION = "unaccent"
DAY = "specibike_prod.dump.327"

# A table large enough to be cut within, one of a role of its own, two of one shape.
_MORE = """
CREATE TABLE stock_move (id int PRIMARY KEY, note text);
INSERT INTO stock_move SELECT n, md5(n::text) || ' été' FROM generate_series(1, 3000) n;
CREATE TABLE audit (id serial PRIMARY KEY, note text);
INSERT INTO audit (note) VALUES ('first'), ('second');
CREATE TABLE one_rel (a int, b int);
INSERT INTO one_rel SELECT n, n + 1 FROM generate_series(1, 20) n;
CREATE INDEX stock_move_note ON stock_move (note);
CREATE SEQUENCE ir_sequence_042;
SELECT setval('ir_sequence_042', 1871);
CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER guarded BEFORE UPDATE ON stock_move FOR EACH ROW EXECUTE FUNCTION guard();
"""
_OTHERS = f"ALTER TABLE audit OWNER TO {ROLE}; GRANT SELECT ON audit TO odoo"

VARIANTS = {
    "a row without its file": "INSERT INTO ir_attachment (name, store_fname, checksum)"
    " VALUES ('late', 'aa/aabbcc', 'aabbcc')",
    "checksums of another kind": "UPDATE ir_attachment SET checksum = md5(checksum)",
    "without an extension": f"DROP EXTENSION {EXTENSION}",
    "another extension": "CREATE EXTENSION pg_trgm",
    "another table": "CREATE TABLE sale_report (id int)",
    "without constraints, indexes and views": """
        ALTER TABLE sale_order DROP CONSTRAINT sale_order_partner,
            DROP CONSTRAINT sale_order_amount;
        ALTER TABLE stock_move DROP CONSTRAINT stock_move_pkey;
        DROP INDEX stock_move_note;
        DROP VIEW partner_orders""",
    "a disabled trigger": "ALTER TABLE stock_move DISABLE TRIGGER guarded",
    "a sequence begun anew": "SELECT setval('ir_sequence_042', 1, false)",
    "without defaults": "ALTER TABLE sale_order ALTER id DROP DEFAULT, ALTER partner_id"
    " DROP NOT NULL",
    "a sequence behind": "SELECT setval('sale_order_id_seq', 7)",
    "a row less": "DELETE FROM sale_order WHERE id = 7",
    "no rows": "TRUNCATE res_partner, sale_order, ir_module_module, ir_attachment, stock_move,"
    " audit, one_rel",
}
"""What is done to the database before it is dumped once more."""

PARTIAL = {
    "the rows of a table": ("--format=custom", "--exclude-table-data=stock_move"),
    "post-data": ("--format=custom", "--section=pre-data", "--section=data"),
    "pre-data": ("--format=custom", "--data-only"),
    "as statements": ("--format=plain", "--inserts"),
}
"""What a dump is made without, and how."""


def small_files() -> dict[str, bytes]:
    """Documents as the ERP stores them, two of them of the same size."""
    contents = [b"a quotation\n", b"an invoice\n\n", bytes(range(256)) * 8]
    return {f"{(name := hashlib.sha1(c).hexdigest())[:2]}/{name}": c for c in contents}  # noqa: S324


def make_good(lab: DatabaseLab, profile: Profile, erp: str) -> Good:
    """Make the database, and dump it in every variant and form; nothing of it is left."""
    lab.sweep()
    for role in ("odoo", ROLE):
        with suppress(psycopg.errors.DuplicateObject):
            lab.execute(f"CREATE ROLE {role} LOGIN")
    files = small_files()
    _make(lab, files)
    dumps, facts = {"whole": dump_files(lab, DATABASE)}, {"whole": _facts(lab, profile)}
    for name, statement in VARIANTS.items():
        lab.execute(f"CREATE DATABASE variant OWNER odoo TEMPLATE {DATABASE}")
        lab.execute(statement, "variant")
        _as_production(lab, "variant", name, dumps)
        facts[name] = _facts(lab, profile, "variant")
        lab.execute("DROP DATABASE variant")
    lab.execute("CREATE DATABASE variant OWNER odoo TEMPLATE template0")
    _as_production(lab, "variant", "empty", dumps)
    dumps["of another database"] = dump_files(lab, "variant")
    facts["empty"] = facts["of another database"] = _facts(lab, profile, "variant")
    good = Good(
        fingerprint=_fingerprint(lab, profile, erp, facts["whole"]),
        dumps=dumps,
        facts=facts,
        custom=_dumped(lab, "--format=custom"),
        plain=_dumped(lab, "--format=plain"),
        bare=_dumped(lab, "--format=plain", "--no-owner", "--no-acl"),
        partial={name: _dumped(lab, *options) for name, options in PARTIAL.items()},
        roles=_roles(lab),
        documents=files,
        inside=_inside(lab),
    )
    lab.sweep()
    return good


def _make(lab: DatabaseLab, files: dict[str, bytes]) -> None:
    lab.execute(f"CREATE DATABASE {DATABASE} OWNER odoo TEMPLATE template0")
    lab.execute(f"CREATE EXTENSION {EXTENSION}", DATABASE)
    lab.execute("SET ROLE odoo;" + SCHEMA, DATABASE)
    with lab.connect(DATABASE) as connection:
        connection.execute("SET ROLE odoo")
        connection.execute(_MORE.encode())
        connection.execute("RESET ROLE")
        connection.execute(_OTHERS.encode())
        for number, (path, content) in enumerate(files.items(), 1):
            connection.execute(
                "INSERT INTO ir_attachment (name, store_fname, checksum) VALUES (%s, %s, %s)",
                (f"document {number}", path, hashlib.sha1(content).hexdigest()),  # noqa: S324
            )


def _as_production(
    lab: DatabaseLab, database: str, name: str, dumps: dict[str, dict[str, bytes]]
) -> None:
    """Dump a database as if production's had become it."""
    lab.execute(f"ALTER DATABASE {DATABASE} RENAME TO aside")
    lab.execute(f"ALTER DATABASE {database} RENAME TO {DATABASE}")
    dumps[name] = dump_files(lab, DATABASE)
    lab.execute(f"ALTER DATABASE {DATABASE} RENAME TO {database}")
    lab.execute(f"ALTER DATABASE aside RENAME TO {DATABASE}")


def _facts(lab: DatabaseLab, profile: Profile, database: str = DATABASE) -> DatabaseFacts:
    with lab.connect(database) as connection:
        return replace(read_database_facts(connection, profile), name=DATABASE)


def _fingerprint(lab: DatabaseLab, profile: Profile, erp: str, facts: DatabaseFacts) -> Fingerprint:
    runner = lab.runner
    server, series = read_erp_facts(runner, erp, profile)
    with lab.connect() as connection:
        os, image = read_operating_system(runner, lab.container), read_image(runner, lab.container)
        postgresql = read_server_facts(connection, os, image)
    return Fingerprint(postgresql, server, series, (facts,))


def _dumped(lab: DatabaseLab, *options: str) -> bytes:
    path = f"/tmp/{secrets.token_hex(4)}"
    argv = ("pg_dump", "--username=postgres", *options, f"--file={path}", DATABASE)
    lab.runner.check(lab.container, argv, user="postgres")
    return lab.runner.read_file(lab.container, path)


def _inside(lab: DatabaseLab) -> bytes:
    lab.execute("UPDATE ir_attachment SET store_fname = NULL", DATABASE)
    return _dumped(lab, "--format=custom")


def _roles(lab: DatabaseLab) -> bytes:
    script = lab.runner.check(lab.container, commands.dump_roles("postgres"), user="postgres")
    return script.encode() + b"\n"


def captured(good: Good, folder: Path) -> tuple[FolderRepository, Generation]:
    """A repository with a generation as a capture makes it."""
    repository = create_repository(str(folder))
    contents = Contents(good.documents, good.dumps["whole"], good.roles)
    return repository, GenerationFactory(repository)(contents, good.fingerprint)


def imported(good: Good, folder: Path, base: Base, profile: Profile) -> FolderRepository:
    """A repository with a generation that was imported from a dump in another form."""
    backup = mapped(good, folder / "backup", custom=base is Base.CUSTOM)
    repository = create_repository(str(folder / "repository"))
    layout = open_layout(f"folder:{backup / 'mapping.yaml'}", profile)
    import_generation(layout, "latest", repository, now=lambda: datetime.now(UTC))
    return repository


def mapped(good: Good, folder: Path, *, custom: bool = False) -> Path:
    """A folder of dumps with documents in a tar archive, and the mapping that says so."""
    folder.mkdir(parents=True)
    (folder / "dump").write_bytes(good.custom if custom else good.plain)
    (folder / "roles.sql").write_bytes(good.roles)
    members = [
        (tar_member(f"tree/{path}", mode=0o644, uid=101, gid=101, mtime=5), content)
        for path, content in good.documents.items()
    ]
    (folder / "documents.tar").write_bytes(tar_of(members))
    mapping = {
        "time": STARTED.isoformat(),
        "databases": [{"name": DATABASE, "dump": "dump"}],
        "roles": "roles.sql",
        "erp": {"series": "14.0"},
        "documents": [
            {"tree": "filestore", "database": DATABASE, "path": "documents.tar", "within": "tree"}
        ],
    }
    (folder / "mapping.yaml").write_text(yaml.safe_dump(mapping))
    return folder


def zipped(good: Good, folder: Path) -> Path:
    """What Odoo's database manager writes."""
    folder.mkdir(parents=True)
    members = {
        "dump.sql": good.bare,
        "manifest.json": odoo_members()["manifest.json"],
        **{f"filestore/{path}": content for path, content in good.documents.items()},
    }
    zip_of(members, folder / "backup.zip")
    return folder


def nightly(good: Good, folder: Path) -> Path:
    """The training case's folder, with one night's dump."""
    folder.mkdir(parents=True)
    (folder / DAY).write_bytes(good.inside)
    return folder


def zip_members(path: Path) -> dict[str, bytes]:
    """All that a zip archive holds."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
