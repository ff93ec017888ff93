"""Generations whose every checksum is right: backups of what was broken already, and lies.

What is wrong with them is found in what their dumps say, by the tools that replay them, or in what
was restored.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Final

from restore.errors import ExitCode
from restore.model import ArtifactKind
from tests.corpus.damaged import (
    DATA,
    TABLE_OF_CONTENTS,
    cut_dump,
    swapped_documents,
    without,
)
from tests.corpus.good import EXTENSION, ROLE
from tests.corpus.model import Base, Case, Damage, Kind, Stage
from tests.corpus.tools import (
    cut,
    database,
    documents,
    dump,
    file_of,
    manifest,
    rewrite,
    swap,
    zero,
)

if TYPE_CHECKING:
    from tests.support.servers import DatabaseLab

_DUMP: Final = ArtifactKind.DATABASE
_END: Final = b"--\n-- PostgreSQL database dump complete\n--\n\n"


def lie(item: str, name: str, damage: Damage, says: str, base: Base = Base.CAPTURED) -> Kind:
    """A kind whose dump says something else than the manifest."""
    return Kind(item, name, damage, Stage.VERIFY, ExitCode.DAMAGED, says, base, signed=True)


def refused(item: str, name: str, damage: Damage, says: str, **more: Any) -> Kind:
    """A kind that the environment can't serve."""
    more = {"found": Stage.PLAN, "base": Base.CAPTURED, **more}
    return Kind(item, name, damage, code=ExitCode.REFUSED, says=says, signed=True, **more)


def broken(item: str, name: str, damage: Damage, says: str, base: Base = Base.CAPTURED) -> Kind:
    """A kind at which PostgreSQL's own tools, or a step's look at its result, stop."""
    return Kind(item, name, damage, Stage.REPLAY, ExitCode.REPLAY, says, base, signed=True)


def followed(item: str, name: str, damage: Damage, says: str) -> Kind:
    """A kind that what follows a plain dump on its way to psql stops at."""
    return Kind(item, name, damage, Stage.REPLAY, ExitCode.DAMAGED, says, Base.PLAIN, signed=True)


def wrong(
    item: str, name: str, damage: Damage, says: str, found: Stage = Stage.REPLAY, **more: Any
) -> Kind:
    """A kind that is replayed without a complaint, and is not what production had."""
    return Kind(item, name, damage, found, ExitCode.FAIL, says, signed=True, **more)


def _plain(change: Callable[[bytes], bytes]) -> Damage:
    def damage(case: Case) -> None:
        path = file_of(case, _DUMP, "dump.sql")
        content = path.read_bytes()
        changed = change(content)
        assert changed != content
        rewrite(path, changed)

    return damage


def _within_table(content: bytes) -> int:
    """A place amidst the rows of the largest table, within a line."""
    start = content.index(b"COPY public.stock_move")
    return (start + content.index(b"\\.", start)) // 2 + 3


def _mid_table(content: bytes) -> bytes:
    return content[: _within_table(content)]


def _mid_table_with_end(content: bytes) -> bytes:
    return _mid_table(content) + b"\n" + _END


def _rows_lost(content: bytes) -> bytes:
    start = content.index(b"\n", _within_table(content)) + 1
    return content[:start] + content[content.index(b"\n\\.\n", start) + 1 :]


def _zeroed(content: bytes) -> bytes:
    at = _within_table(content)
    return content[:at] + bytes(16) + content[at + 16 :]


def _latin(content: bytes) -> bytes:
    return content.replace("été".encode(), "été".encode("latin-1"))


def _text(change: Callable[[str], str]) -> Damage:
    def damage(case: Case) -> None:
        path = file_of(case, ArtifactKind.ROLES)
        text = path.read_text()
        changed = change(text)
        assert changed != text
        rewrite(path, changed.encode())

    return damage


def _without_role(name: str) -> Damage:
    return _text(
        lambda text: "".join(
            line for line in text.splitlines(keepends=True) if f"ROLE {name}" not in line
        )
    )


def _swapped_data(case: Case) -> None:
    one = file_of(case, _DUMP, DATA)
    other = next(path for path in sorted(one.parent.glob(DATA)) if path != one)
    swap(one, other)


def _repacked(change: Callable[[bytes], bytes]) -> Damage:
    """Data that lost something before it was compressed: whole as a file."""

    def damage(case: Case) -> None:
        path = file_of(case, _DUMP, DATA)
        rewrite(path, gzip.compress(change(gzip.decompress(path.read_bytes()))))

    return damage


def _half_of_rows(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join([*lines[: len(lines) // 2], *lines[-3:]])


def _without_artifacts(kind: ArtifactKind) -> Damage:
    def damage(case: Case) -> None:
        lost = {item.folder for item in case.generation.artifacts_of(kind)}

        def edit(document: dict[str, Any]) -> None:
            kept = [item for item in document["artifacts"] if item["folder"] not in lost]
            document["artifacts"] = kept

        manifest(edit)(case)
        for item in case.generation.artifacts_of(kind):
            for path in (case.root / item.folder, case.root / item.index):
                _remove(path)

    return damage


def _remove(path: Any) -> None:
    from restore.repository.tree import remove_tree  # noqa: PLC0415
    from tests.support.repository import writable  # noqa: PLC0415

    if path.is_dir():
        writable(path / "x")
        remove_tree(path)
    else:
        writable(path).unlink()


def _nothing(_case: Case) -> None:
    """The backup is sound: something else is missing."""


def lacking(path: str) -> Callable[[DatabaseLab], AbstractContextManager[None]]:
    """A database server that lacks a file of its installation."""

    @contextmanager
    def target(lab: DatabaseLab) -> Iterator[None]:
        aside = f"{path}.aside"
        lab.runner.check(lab.container, ("mv", path, aside), user="root")
        try:
            yield
        finally:
            lab.runner.check(lab.container, ("mv", aside, path), user="root")

    return target


def _module(document: dict[str, Any]) -> None:
    modules = document["fingerprint"]["databases"][0]["modules"]
    modules.append({"name": "custom_addon", "version": "14.0.1.0"})


def _rows(number: int) -> Damage:
    def edit(document: dict[str, Any]) -> None:
        for table in document["fingerprint"]["databases"][0]["tables"]:
            if table["name"] == "sale_order":
                table["rows"] = number

    return manifest(edit)


_CUT = (
    *(
        lie(
            "dump truncated",
            f"table of contents cut at {n} %",
            cut_dump(TABLE_OF_CONTENTS, n),
            "cut",
        )
        for n in (10, 50, 99)
    ),
    *(
        broken(
            "dump truncated",
            f"data of a table cut at {n} %",
            cut_dump(DATA, n),
            "pg_restore exited",
        )
        for n in (10, 50, 99)
    ),
    *(
        lie("dump truncated", f"dump cut at {n} %", cut_dump("dump", n), "cut", Base.CUSTOM)
        for n in (1,)
    ),
    *(
        broken(
            "dump truncated", f"dump cut at {n} %", cut_dump("dump", n), "pg_restore", Base.CUSTOM
        )
        for n in (50, 99)
    ),
    *(
        broken(
            "dump truncated", f"dump cut at {n} %", cut_dump("dump.sql", n), "was cut", Base.PLAIN
        )
        for n in (10, 50, 99)
    ),
)

FORGED: Final[tuple[Kind, ...]] = (
    *_CUT,
    broken("plain dump cut mid-table", "within a row", _plain(_mid_table), "was cut", Base.PLAIN),
    followed(
        "plain dump cut mid-table",
        "within a row, pg_dump's last line added",
        _plain(_mid_table_with_end),
        "was cut",
    ),
    wrong(
        "plain dump cut mid-table",
        "rows taken out between two lines",
        _plain(_rows_lost),
        "table public.stock_move: expected",
        base=Base.PLAIN,
    ),
    wrong(
        "dump truncated",
        "half of a table's rows were never written",
        _repacked(_half_of_rows),
        "table public.stock_move: expected",
    ),
    broken(
        "zeroed bytes",
        "in the data of a table",
        lambda case: zero(file_of(case, _DUMP, DATA)),
        "pg_restore exited",
    ),
    broken(
        "zeroed bytes",
        "in the rows of a table",
        _repacked(lambda content: content[:500] + bytes(16) + content[516:]),
        "pg_restore exited",
    ),
    lie(
        "zeroed bytes",
        "in the table of contents",
        lambda case: zero(file_of(case, _DUMP, TABLE_OF_CONTENTS), 512),
        "contradicts",
    ),
    broken(
        "zeroed bytes",
        "in a dump",
        lambda case: zero(file_of(case, _DUMP, "dump")),
        "pg_restore exited",
        Base.CUSTOM,
    ),
    followed("zeroed bytes", "in the rows of a table", _plain(_zeroed), "holds a zero byte"),
    lie("missing file", "the data of a table", without(_DUMP, DATA), "is not in the generation"),
    lie("missing file", "the table of contents", without(_DUMP, TABLE_OF_CONTENTS), "no such file"),
    lie("missing file", "the script of roles", without(ArtifactKind.ROLES), "roles lack it"),
    refused(
        "missing file",
        "the dump, with all that the manifest said of it",
        _without_artifacts(_DUMP),
        "holds no dump of database",
        found=Stage.FORESEE,
    ),
    refused(
        "missing file",
        "the documents, with all that the manifest said of them",
        _without_artifacts(ArtifactKind.DOCUMENTS),
        "holds no documents filestore",
        found=Stage.FORESEE,
    ),
    wrong(
        "missing file",
        "a document",
        without(ArtifactKind.DOCUMENTS),
        "documents.attachments:filestore",
        Stage.CHECK,
    ),
    wrong(
        "zeroed bytes",
        "in a document",
        lambda case: zero(documents(case)[0], 4),
        "documents.attachments:filestore",
        Stage.CHECK,
    ),
    wrong(
        "swapped files of same size",
        "two documents",
        swapped_documents,
        "documents.attachments:filestore",
        Stage.CHECK,
    ),
    wrong(
        "swapped files",
        "the data of two tables of one shape",
        _swapped_data,
        "table public.stock_move: expected",
    ),
    lie(
        "swapped files",
        "the dump of another database",
        dump("of another database"),
        "of database variant",
    ),
    wrong(
        "wrong checksum algorithm",
        "MD5 where the ERP's rows have SHA-1",
        dump("checksums of another kind"),
        "documents.attachments:filestore",
        Stage.CHECK,
    ),
    refused(
        "path outside",
        "database named ../x",
        lambda case: _renamed(case, "../x"),
        "can't have a folder of documents",
        found=Stage.FORESEE,
        base=Base.CUSTOM,
    ),
    wrong("huge row count", "10^15 rows", _rows(10**15), "table public.sale_order: expected"),
    wrong(
        "huge row count", "one row more than there are", _rows(41), "sale_order: expected 41 rows"
    ),
    wrong("huge row count", "one row less", dump("a row less"), "sale_order: expected 40 rows"),
    wrong(
        "missing object",
        "constraints, indexes and views that the dump lacks",
        dump("without constraints, indexes and views"),
        "foreign keys: 1 of 1 missing: public.sale_order sale_order_partner",
    ),
    wrong(
        "missing object",
        "a trigger that the dump has disabled",
        dump("a disabled trigger"),
        "public.stock_move guarded (disabled)",
    ),
    wrong(
        "missing object",
        "a default and what must be filled, of columns",
        dump("without defaults"),
        "columns that must be filled: expected",
    ),
    wrong(
        "missing object",
        "a sequence of no column that begins anew",
        dump("a sequence begun anew"),
        "sequence public.ir_sequence_042 stands at 1, not given yet, in production at 1871",
    ),
    lie("wrong encoding", "manifest says LATIN1", database(encoding="LATIN1"), "has encoding UTF8"),
    refused(
        "wrong encoding",
        "one that no server knows",
        database(encoding="EBCDIC"),
        "postgresql.encoding",
        base=Base.PLAIN,
    ),
    broken("wrong encoding", "rows in Latin-1", _plain(_latin), "psql exited", Base.PLAIN),
    lie("wrong collation", "manifest says C", database(collate="C", ctype="C"), "has collation"),
    refused(
        "wrong collation",
        "one that the server lacks",
        database(collate="xx_XX.utf8", ctype="xx_XX.utf8"),
        "postgresql.collation:xx_XX.utf8",
        base=Base.PLAIN,
    ),
    refused(
        "missing extension",
        "the server lacks it",
        _nothing,
        f"postgresql.extension:{EXTENSION}",
        target=lacking(f"/usr/share/postgresql/13/extension/{EXTENSION}.control"),
    ),
    lie(
        "missing extension",
        "manifest names none",
        database(extensions=[]),
        f"uses extension {EXTENSION}",
    ),
    lie("missing extension", "dump has one more", dump("another extension"), "extension pg_trgm"),
    wrong(
        "missing extension",
        "dump has one less",
        dump("without an extension"),
        "unaccent is missing",
    ),
    lie(
        "extra file",
        "dump has one table more",
        dump("another table"),
        "holds table public.sale_report",
    ),
    lie("missing role", "the owner of a table", _without_role(ROLE), f"role {ROLE} owns something"),
    lie("missing role", "the ERP's own", _without_role("odoo"), "role odoo owns something"),
    lie(
        "missing role",
        "script of roles cut",
        lambda case: cut(file_of(case, ArtifactKind.ROLES), 50),
        "roles",
    ),
    refused(
        "missing role",
        "all, with all that the manifest said of them",
        _without_artifacts(ArtifactKind.ROLES),
        "holds no roles",
        found=Stage.FORESEE,
    ),
    refused("missing addon", "the ERP lacks it", manifest(_module), "erp.module:custom_addon"),
    refused(
        "missing addon",
        "another series of the ERP",
        manifest(lambda d: d["fingerprint"].update(erp_series="13.0")),
        "erp.series",
        found=Stage.FORESEE,
    ),
    refused(
        "manifest of a newer schema",
        "made with another profile",
        manifest(lambda d: d.update(profile="tryton")),
        "was made with profile tryton",
        found=Stage.SELECT,
    ),
    wrong(
        "attachments between dump and files",
        "files were copied before the dump",
        dump("a row without its file", honest=True),
        "documents.attachments:filestore",
        Stage.CHECK,
    ),
    refused(
        "empty database",
        "no table, and the manifest says so",
        dump("empty", honest=True),
        "was empty",
        found=Stage.FORESEE,
    ),
    refused(
        "empty database",
        "no row, and the manifest says so",
        dump("no rows", honest=True),
        "was empty",
        found=Stage.FORESEE,
    ),
    broken("empty database", "no table, in its dump alone", dump("empty"), "has no table"),
    wrong(
        "empty database",
        "no row, in its dump alone",
        dump("no rows"),
        "table public.stock_move: expected",
    ),
)


def _renamed(case: Case, name: str) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["fingerprint"]["databases"][0]["name"] = name
        for item in document["artifacts"]:
            if item["database"] is not None:
                item["database"] = name

    manifest(edit)(case)
