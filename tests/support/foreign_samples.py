"""Backups by others, made byte by byte without their tools, whole and broken."""

from __future__ import annotations

import io
import json
import os
import tarfile
import zipfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

PLAIN = b'''\
--
-- PostgreSQL database dump
--

\\restrict aB3xyz

-- Dumped from database version 13.23 (Debian 13.23-0+deb11u1)
-- Dumped by pg_dump version 13.23 (Debian 13.23-0+deb11u1)

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;

CREATE FUNCTION public.odd() RETURNS text
    LANGUAGE sql
    AS $_$
\\! this is a text, no command
SELECT 'it''s -- no comment'::text /* nor " this */
$_$;

CREATE TABLE public.res_partner (
    id integer NOT NULL,
    name text DEFAULT E'a\\'b\\\\'
);

ALTER TABLE public.res_partner OWNER TO openerp;

CREATE TABLE public."Odd ""one""" (
    id integer
);

COPY public.res_partner (id, name) FROM stdin;
1\tdupont
2\t\\! no command
3\t-- PostgreSQL database dump complete
\\.

COPY public."Odd ""one""" (id) FROM stdin;
\\.

COMMENT ON TABLE public.res_partner IS 'first
\\restrict in a text
last';

GRANT SELECT ON TABLE public.res_partner TO "re porting";

--
-- PostgreSQL database dump complete
--

\\unrestrict aB3xyz

'''

Entry = tuple[str, str, str, str, str, bytes | None]
"""Name, kind, definition, schema, owner, and the data of one that has some."""

ENTRIES: tuple[Entry, ...] = (
    ("ENCODING", "ENCODING", "SET client_encoding = 'UTF8';\n", "", "", None),
    (
        "specibike",
        "DATABASE",
        "CREATE DATABASE specibike WITH TEMPLATE = template0 ENCODING = 'UTF8'"
        " LC_COLLATE = 'fr_FR.utf8' LC_CTYPE = 'fr_FR.utf8';\n",
        "",
        "openerp",
        None,
    ),
    ("unaccent", "EXTENSION", "CREATE EXTENSION unaccent;\n", "", "", None),
    ("res_partner", "TABLE", "CREATE TABLE public.res_partner ();\n", "public", "openerp", None),
    ("parent", "TABLE", "CREATE TABLE p (a int)\nPARTITION BY RANGE (a);\n", "public", "x", None),
    ("res_partner", "TABLE DATA", "", "public", "openerp", b"1\tdupont\n" * 400),
    ("BLOBS", "BLOBS", "", "", "", b"a large object"),
    (
        "TABLE res_partner",
        "ACL",
        "GRANT SELECT ON TABLE public.res_partner TO reporting;\n"
        "REVOKE ALL ON TABLE public.res_partner FROM PUBLIC;\n",
        "public",
        "openerp",
        None,
    ),
)


@dataclass
class CustomDump:
    """Writes a dump in custom format as pg_dump of some version does."""

    version: tuple[int, int] = (1, 14)
    created: datetime = datetime(2025, 12, 31, 23, 59, 5)
    entries: tuple[Entry, ...] = ENTRIES
    form: int = 1
    database: str = "specibike"
    server: str = "13.23 (Debian 13.23-0+deb11u1)"
    out: bytearray = field(default_factory=bytearray)

    def render(self) -> bytes:
        """The whole file."""
        self.out += b"PGDMP" + bytes([*self.version, 0, 4, 8, self.form])
        if self.version >= (1, 15):
            self.out += b"\x01"
        else:
            self._int(-1)
        c = self.created
        for number in (c.second, c.minute, c.hour, c.day, c.month - 1, c.year - 1900, 0):
            self._int(number)
        for text in (self.database, self.server, "13.23"):
            self._text(text)
        self._int(len(self.entries))
        for number, entry in enumerate(self.entries, 1):
            self._entry(number, entry)
        for number, entry in enumerate(self.entries, 1):
            if entry[5] is not None and self.form == 1:
                self._data(number, entry[1], entry[5])
        return bytes(self.out)

    def _entry(self, number: int, entry: Entry) -> None:
        name, kind, definition, schema, owner, data = entry
        self._int(number)
        self._int(int(data is not None))
        for text in ("1259", str(16000 + number), name, kind):
            self._text(text)
        if self.version >= (1, 11):
            self._int(2)
        for text in (definition, "", ""):
            self._text(text)
        self._text(schema or None)
        self._text("")
        if self.version >= (1, 14):
            self._text("heap")
        if self.version >= (1, 16):
            self._int(ord("r"))
        self._text(owner)
        self._text("false")
        self._text("1")
        self._text(None)
        if self.form == 1:
            self.out += bytes([1 if data is not None else 3]) + bytes(8)
        else:
            self._text(f"{number}.dat" if data is not None else "")

    def _data(self, number: int, kind: str, data: bytes) -> None:
        self.out += b"\x03" if kind == "BLOBS" else b"\x01"
        self._int(number)
        if kind == "BLOBS":
            self._int(16400)
        for start in range(0, len(data), 1000):
            chunk = data[start : start + 1000]
            self._int(len(chunk))
            self.out += chunk
        self._int(0)
        if kind == "BLOBS":
            self._int(0)

    def _int(self, number: int) -> None:
        self.out += bytes([number < 0]) + abs(number).to_bytes(4, "little")

    def _text(self, text: str | None) -> None:
        if text is None:
            self._int(-1)
            return
        data = text.encode()
        self._int(len(data))
        self.out += data


ODOO_MANIFEST: dict[str, Any] = {
    "odoo_dump": "1",
    "db_name": "specibike_prod",
    "version": "14.0-20231205",
    "version_info": [14, 0, 0, "final", 0, ""],
    "major_version": "14.0",
    "pg_version": "13.0",
    "modules": {"base": "14.0.1.3", "sale": "14.0.1.1"},
}
DOCUMENTS = {"0a/0a11": b"a quotation", "0b/0b22": b"an invoice" * 50}


def zip_of(members: dict[str, bytes], path: Path) -> Path:
    """A zip archive; a member's name may be anything."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 23, 18, 0, 0)), content)
    os.utime(path, (1795550400, 1795550400))
    return path


def odoo_members(dump: bytes = PLAIN) -> dict[str, bytes]:
    """What Odoo's own zip holds."""
    documents = {f"filestore/{name}": content for name, content in DOCUMENTS.items()}
    manifest = json.dumps(ODOO_MANIFEST).encode()
    return {"dump.sql": dump, "manifest.json": manifest, **documents}


def tar_of(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """A tar archive of members of any kind."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def tar_member(name: str, kind: bytes = tarfile.REGTYPE, **values: Any) -> tarfile.TarInfo:
    """A member of a tar archive."""
    member = tarfile.TarInfo(name)
    member.type = kind
    for key, value in values.items():
        setattr(member, key, value)
    return member
