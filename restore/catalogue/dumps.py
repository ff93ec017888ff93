"""Dumps of pg_dump in any form, compressed or not: what each says, and its files."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Final, cast

from restore.adapters.postgres import dump_text, objects, pg_archive, plain_dump
from restore.adapters.postgres.plain_dump import PlainFacts
from restore.adapters.streams import CHUNK, ChunkReader
from restore.catalogue.compression import compression_of, plain_stream
from restore.catalogue.foreign import DumpFacts, Files, ForeignArtifact, ForeignFile, origin_on_disk
from restore.catalogue.originals import open_original, walk
from restore.errors import DamagedGenerationError, NotFoundError
from restore.model import CUSTOM_FILE, PLAIN_FILE, DumpForm, TableFacts, ignore_progress
from restore.model.versions import parse_version
from restore.repository.base import database_spec
from restore.repository.transfer import Meter, Metered

_SUFFIXES: Final = ("", ".gz", ".lz4", ".zst")
"""What pg_dump adds to the name of a data file that it compressed."""

_OBJECT: Final = re.compile(rb"\d+ (blob_\d+\.dat)\n")
"""A line in a folder's list of large objects: number and file."""

_COMPRESSED: Final = (".gz", ".zst")
_READ: Final = ("", *_COMPRESSED)

_FIRST_TAGS: Final = 10
"""PostgreSQL whose pg_dump was the first to name tables in what belongs to them."""

Open = Callable[[], IO[bytes]]
"""Opens a file of a backup, at its beginning, as often as it is called."""


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump that is whole. ``size`` is the bytes of its files as they are stored."""

    form: DumpForm
    facts: DumpFacts
    files: Files
    size: int

    def artifact(self, database: str, location: str) -> ForeignArtifact:
        """The dump as the artefact of a database."""
        return ForeignArtifact(database_spec(database, location, self.form), self.files, self.size)


def dump_at(path: Path) -> Dump:
    """Read a dump, a file or a folder, to its end.

    Raises:
        NotFoundError: there is none.
        DamagedGenerationError: it was cut, is damaged, could do harm, or is no dump.
    """
    if path.is_dir() and not path.is_symlink():
        return _folder(path)
    return dump_in(lambda: open_original(path), str(path))


def dump_in(open_file: Open, name: str) -> Dump:
    """Read a dump in one file, compressed or not, to its end; ``name`` names it in errors.

    Raises:
        DamagedGenerationError: it was cut, is damaged, could do harm, or is no dump.
    """
    with closing(plain_stream(open_file(), name)) as stream:
        head = stream.peek(len(pg_archive.MAGIC))  # type: ignore[attr-defined]
        if head.startswith(pg_archive.MAGIC):
            return _custom(stream, open_file, name)
        if compression_of(head):
            raise DamagedGenerationError(f"{name} is compressed twice", "decompress it once")
        facts = plain_dump.scan(stream, name)
    files = partial(_plain_files, open_file, name, facts.hidden)
    return Dump(DumpForm.PLAIN, _plain_facts(facts), files, plain_dump.replayable_size(facts))


def created_at(path: Path) -> datetime | None:
    """When a dump says that it was made, by production's clock; its data is not looked at.

    None when it does not say so, or is damaged: that is told when all of it is read.
    """
    table = path / pg_archive.TABLE_OF_CONTENTS if path.is_dir() else path
    with (
        suppress(DamagedGenerationError, NotFoundError),
        closing(plain_stream(open_original(table), str(table))) as stream,
    ):
        if stream.peek(len(pg_archive.MAGIC)).startswith(pg_archive.MAGIC):  # type: ignore[attr-defined]
            return pg_archive.ArchiveReader(stream, str(table)).head.created
    return None


def _custom(stream: IO[bytes], open_file: Open, name: str) -> Dump:
    meter = Meter("", 0, ignore_progress)
    reader = pg_archive.ArchiveReader(cast(IO[bytes], Metered(stream, meter)), name)
    if not reader.head.in_one_file:
        raise DamagedGenerationError(
            f"{name} is a part of a dump in several files",
            "name the folder that holds it; a dump in tar format is not read",
        )
    entries = list(reader.entries())
    reader.require_whole()
    facts = _archive_facts(reader, entries, name, reader.rows)
    return Dump(DumpForm.CUSTOM, facts, partial(_custom_files, open_file, name), meter.bytes)


def _custom_files(open_file: Open, name: str) -> Generator[ForeignFile, None, None]:
    yield ForeignFile(CUSTOM_FILE, lambda: closing(plain_stream(open_file(), name)))


def _folder(path: Path) -> Dump:
    """A dump in directory format."""
    table = path / pg_archive.TABLE_OF_CONTENTS
    if not table.is_file():
        raise NotFoundError(
            f"{path} holds no {pg_archive.TABLE_OF_CONTENTS}",
            "a folder is read as a dump of pg_dump -Fd",
        )
    names: dict[str, int] = {}
    for found in walk(path):
        names[found.path] = found.status.st_size
    with closing(plain_stream(open_original(table), str(table))) as stream:
        reader = pg_archive.ArchiveReader(stream, str(table))
        entries = list(reader.entries())
    rows: dict[int, int] = {}
    for entry in entries:
        if entry.file and not any(entry.file + suffix in names for suffix in _SUFFIXES):
            raise DamagedGenerationError(
                f"{path} was cut: {entry.file}, the data of {entry.kind} {entry.name}, is missing",
                "fetch the folder again from where it was made",
            )
    read = {f"{entry.file}{suffix}": entry for entry in entries if entry.copy for suffix in _READ}
    for name in names:
        known = read.get(name)
        # One that was cut while it was compressed has no end.
        if known is None and not name.endswith(_COMPRESSED):
            continue
        counted = _rows_in(path / name)
        if known is not None and counted is not None:
            rows[known.id] = counted
    for entry in entries:
        if entry.kind == "BLOBS":
            _require_own_objects(path, entry.file or "", names)
    facts = _archive_facts(reader, entries, str(path), rows)
    return Dump(DumpForm.DIRECTORY, facts, partial(tree_files, path), sum(names.values()))


def _require_own_objects(path: Path, table: str, names: Mapping[str, int]) -> None:
    """Refuse a list of large objects that names other files than the folder's own.

    pg_restore reads whatever file it names, and makes a large object of it.
    """
    if table not in names:
        raise DamagedGenerationError(
            f"{path}: its list of large objects is compressed, which pg_dump does not do",
            "fetch the folder again from where it was made",
        )
    with closing(open_original(path / table)) as lines:
        for line in lines:
            found = _OBJECT.fullmatch(line)
            if found is None or all(found[1].decode() + end not in names for end in _SUFFIXES):
                raise DamagedGenerationError(
                    f"{path / table} names a large object's file that the folder does not hold",
                    "fetch the folder again from where it was made",
                )


def _rows_in(path: Path) -> int | None:
    """Read the data of a table to its end; its rows, if it ends as pg_dump's own does."""
    counter = pg_archive.RowCounter()
    with closing(plain_stream(open_original(path), str(path))) as stream:
        while data := stream.read(CHUNK):
            counter.feed(data)
    return counter.rows


def tree_files(root: Path, *, origins: bool = False) -> Generator[ForeignFile, None, None]:
    """The files of a folder; with owners, modes and times when they matter."""
    with closing(walk(root)) as tree:
        for found in tree:
            origin = origin_on_disk(found.status) if origins else None
            yield ForeignFile(found.path, found.open, origin)


def _plain_files(
    open_file: Open, name: str, hidden: frozenset[int]
) -> Generator[ForeignFile, None, None]:
    @contextmanager
    def opened() -> Iterator[IO[bytes]]:
        with closing(plain_stream(open_file(), name)) as stream:
            yield cast(IO[bytes], ChunkReader(plain_dump.replayable(stream, name, hidden)))

    yield ForeignFile(PLAIN_FILE, opened)


def _plain_facts(facts: PlainFacts) -> DumpFacts:
    properties = facts.properties or dump_text.DatabaseProperties()
    return DumpFacts(
        server_version=facts.server_version,
        owner=facts.owner,
        encoding=properties.encoding or facts.encoding,
        collate=properties.collate,
        ctype=properties.ctype,
        locale=properties.locale,
        extensions=tuple(facts.extensions),
        roles=tuple(sorted(facts.roles)),
        tables=facts.table_facts(),
    )


def _require_harmless(entry: pg_archive.ArchiveEntry, name: str) -> None:
    """Refuse what an archive's entry makes pg_restore or the server do beside the database."""
    where = f"{name}: {entry.kind} {entry.name}"
    plain_dump.require_harmless(entry.definition, where)
    copy = entry.copy.strip()
    if copy and dump_text.table_in(dump_text.COPIED_TABLE, copy, entry.schema) is None:
        raise DamagedGenerationError(
            f"{where}: its rows are loaded by another statement than pg_dump writes",
            "dump the database again, with pg_dump",
        )


def _archive_facts(
    reader: pg_archive.ArchiveReader,
    entries: Sequence[pg_archive.ArchiveEntry],
    name: str,
    rows: Mapping[int, int],
) -> DumpFacts:
    head = reader.head
    data = {(e.schema, e.name): e.id for e in entries if e.kind == "TABLE DATA" and e.has_data}
    properties, owner, encoding = dump_text.DatabaseProperties(), "", ""
    roles: set[str] = set()
    extensions: list[str] = []
    tables: list[TableFacts] = []
    for entry in entries:
        _require_harmless(entry, name)
        roles |= {entry.owner} - {""}
        if entry.kind in ("ACL", "DEFAULT ACL", "DATABASE PROPERTIES"):
            roles.update(dump_text.roles_in(entry.definition))
        elif entry.kind == "EXTENSION":
            extensions.append(entry.name)
        elif entry.kind == "ENCODING":
            encoding = dump_text.name_in(dump_text.CLIENT_ENCODING, entry.definition) or ""
        elif entry.kind == "DATABASE":
            said, owner = dump_text.database_properties(entry.definition), entry.owner
            properties = said or dump_text.DatabaseProperties()
        elif pg_archive.is_plain_table(entry):
            number = data.get((entry.schema, entry.name))
            counted = 0 if number is None else rows.get(number)
            tables.append(TableFacts(entry.schema, entry.name, counted))
    if data and not tables:
        raise DamagedGenerationError(
            f"the dump of database {head.database} holds rows, and makes no table",
            "it was made with --data-only or --section=data: dump the whole database",
        )
    lacks = sorted(
        f"{table.schema}.{table.name}" for table in tables if (table.schema, table.name) not in data
    )
    if objects.lacks_post_data(entries):
        lacks.insert(0, objects.POST_DATA)
    told = parse_version(head.dump_version)[1] // 10000 >= _FIRST_TAGS
    return DumpFacts(
        objects=objects.objects_in(entries) if told else None,
        sequences=objects.sequences_in(entries),
        lacks=tuple(lacks) or None,
        server_version=head.server_version,
        created=head.created,
        database=head.database,
        owner=owner,
        encoding=properties.encoding or encoding,
        collate=properties.collate,
        ctype=properties.ctype,
        locale=properties.locale,
        extensions=tuple(extensions),
        roles=tuple(sorted(roles)),
        tables=tuple(sorted(tables, key=lambda table: (table.schema, table.name))),
    )
