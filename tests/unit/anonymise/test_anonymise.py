"""Rules of anonymisation, the key, placeholders and statements; what they do is seen elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import io
import json
import struct
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.plans import cases
from restore.anonymise import (
    BUILTIN,
    Anonymisation,
    load_rules,
    read_key,
    rules_errors,
    rules_text,
)
from restore.anonymise.key import VARIABLE, padded
from restore.anonymise.layouts import LAYOUTS
from restore.anonymise.placeholders import OTHER, TYPE_KEYS, placeholders
from restore.anonymise.reading import parse_rules
from restore.anonymise.rules import Kind
from restore.anonymise.statements import LENGTHS, absent, functions, problems, scanning, update
from restore.anonymise.tables import Column, Table
from restore.checks.anonymised import anonymised_check_ids
from restore.errors import NotFoundError, RefusedError, UsageError
from restore.model import Purpose, StepKind
from restore.model.schema import schema
from restore.model.secret import Secret
from restore.plan.planning import plan
from restore.profile import Neutralisation, load_profile, profile_names

RULES = """
name: mine
tables:
  res_partner:
    where: t.id > 5
    columns:
      name: [{kind: company, when: t.is_company}, {kind: person}]
      email: email
      note: {constant: "it's gone"}
      title: {expression: "{person}(t.name) || '!'", when: t.is_company}
documents:
  - {tree: filestore, table: ir_attachment, keep: t.public, columns: {name: file-name}}
not_personal: [ir_ui_view.*]
email_domain: specibike.invalid
"""
PARTNER = Table(
    "public",
    "res_partner",
    "r",
    False,
    tuple(
        Column(
            name, f"character varying({limit})", "character varying", limit, name == "name", False
        )
        for name, limit in (("name", 64), ("email", 33), ("note", 64), ("title", 64))
    ),
)


def wrong(text: str) -> str:
    return "\n".join(rules_errors(text))


def test_rules_become_values() -> None:
    rules = parse_rules(RULES, "it")
    (table,) = rules.tables
    assert (table.title, table.where) == ("res_partner", "t.id > 5")
    name, email, _, title = table.columns
    assert [choice.kind for choice in name.choices] == [Kind.COMPANY, Kind.PERSON]
    assert (name.complete, email.complete, title.complete) == (True, True, False)
    assert rules.documents[0].keep == "t.public"
    assert rules.email_domain == "specibike.invalid"


def test_everything_wrong_is_told_at_once_with_its_path() -> None:
    found = wrong(
        """
name: Mine
color: red
email_domain: client.fr
tables:
  res_partner:
    colums: {}
    columns:
      name: surname
      note: {kind: person, constant: x}
"""
    )
    for part in ("name:", "'color'", "email_domain:", "tables.res_partner:", "'colums'"):
        assert part in found
    assert "tables.res_partner.columns.name" in found
    assert "tables.res_partner.columns.note" in found
    assert "no {surname}" in wrong(
        "name: a\ntables: {t: {columns: {a: {expression: '{surname}(t.a)'}}}}"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name: [",
        "name: a\nname: b\ntables: {}",
        "a: 1\ntables: {t: {columns: {a: zip, a: zip}}}",
    ],
)
def test_what_is_no_rules_is_refused(text: str) -> None:
    assert rules_errors(text)
    with pytest.raises(UsageError):
        parse_rules(text, "it")


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert isinstance(rules_errors(text), tuple)


def test_kinds_of_schema_and_code_are_the_same() -> None:
    assert schema("anonymisation")["$defs"]["kind"]["enum"] == [kind.value for kind in Kind]
    for kind in Kind:
        assert kind is Kind.NOTHING or f"FUNCTION {kind.function}(value text)" in functions()


@pytest.mark.parametrize("name", profile_names())
def test_rules_ship_for_every_erp_and_name_trees_of_its_profile(name: str) -> None:
    rules = load_rules(BUILTIN, name)
    trees = {tree.name for tree in load_profile(name).documents}
    assert {one.tree for one in rules.documents} <= trees
    assert all(one.layout in LAYOUTS for one in rules.documents)


def test_rules_that_are_not_there_are_told() -> None:
    with pytest.raises(NotFoundError, match="no rules of anonymisation ship for profile mine"):
        rules_text(BUILTIN, "mine")
    with pytest.raises(NotFoundError):
        load_rules("nowhere.yaml", "odoo")


def test_layouts_of_schema_and_code_are_the_same() -> None:
    documents = schema("anonymisation")["$defs"]["documents"]["properties"]
    assert set(documents["layout"]["enum"]) == set(LAYOUTS)


def test_a_statement_changes_all_columns_of_a_table_at_once() -> None:
    (rule,) = parse_rules(RULES, "it").tables
    assert update(rule, PARTNER, "specibike.invalid") == (
        'UPDATE "public"."res_partner" AS t SET '
        '"name" = (CASE WHEN (t.is_company) THEN pg_temp.pra_company(t."name"::text)'
        ' ELSE pg_temp.pra_person(t."name"::text) END)::character varying(64), '
        # Shortened before the @ where the column has too little room.
        '"email" = (regexp_replace(pg_temp.pra_email(t."email"::text), \'^([^@]{15})[^@]*@\','
        " '\\1@'))::character varying(33), "
        "\"note\" = ('it''s gone')::character varying(64), "
        "\"title\" = (CASE WHEN (t.is_company) THEN (pg_temp.pra_person(t.name) || '!')"
        ' ELSE t."title" END)::character varying(64) WHERE (t.id > 5)'
    )


def test_what_a_database_lacks_or_can_not_hold_is_told() -> None:
    rules = parse_rules(RULES, "it")
    less = replace(PARTNER, columns=PARTNER.columns[:2])
    assert absent(rules, (less,)) == ("res_partner.note", "res_partner.title", "ir_attachment")
    assert problems(rules, (less,)) == ()
    narrow = replace(PARTNER.columns[1], limit=20, type="character varying(20)")
    number = replace(PARTNER.columns[0], base="integer", type="integer")
    found = problems(rules, (replace(PARTNER, columns=(number, narrow)),))
    assert [line.partition(":")[0] for line in found] == ["res_partner.name", "res_partner.email"]


def test_patterns_are_filled_into_the_functions() -> None:
    text = scanning()
    assert '"FR": 27' in text
    assert "{" + "iban}" not in text
    assert len(LENGTHS) > 70


# --- the key --------------------------------------------------------------------------------------


@given(st.binary(max_size=200), st.text(min_size=16, max_size=100))
def test_the_padded_key_makes_an_hmac(message: bytes, key: str) -> None:
    inner, outer = (bytes.fromhex(part.reveal()) for part in padded(Secret(key)))
    digest = hashlib.sha256(outer + hashlib.sha256(inner + message).digest()).digest()
    assert digest == hmac.digest(key.encode(), message, "sha256")


def test_a_key_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("0123456789abcdef\n")
    assert read_key(file, {}) == Secret("0123456789abcdef")
    assert read_key(None, {VARIABLE: "0123456789abcdeF"}) == Secret("0123456789abcdeF")
    for short in ("", "too short      "):
        file.write_text(short)
        with pytest.raises(UsageError, match="fewer than 16 characters") as refused:
            read_key(file, {})
        assert "too short" not in refused.value.message
    with pytest.raises(NotFoundError):
        read_key(tmp_path / "none", {})
    assert "0123456789" not in repr(
        Anonymisation(parse_rules(RULES, ""), Secret("0123456789abcdef"))
    )


# --- placeholders ---------------------------------------------------------------------------------


def content(type_: str) -> bytes:
    return placeholders()[type_].content


def test_placeholders_are_the_same_in_every_copy_and_lie_where_odoo_looks() -> None:
    for one in placeholders().values():
        assert one.file == f"{one.checksum[:2]}/{one.checksum}"
        assert 0 < len(one.content) < 4096
    placeholders.cache_clear()
    before = {name: one.checksum for name, one in placeholders().items()}
    placeholders.cache_clear()
    assert before == {name: one.checksum for name, one in placeholders().items()}


def test_every_key_has_a_placeholder() -> None:
    assert set(TYPE_KEYS.values()) == set(placeholders())
    assert TYPE_KEYS["application/pdf"] == TYPE_KEYS[".pdf"] == "pdf"
    assert TYPE_KEYS["text/plain"] == OTHER
    # Such a file is told by its name.
    assert "application/octet-stream" not in TYPE_KEYS


def test_documents_open_as_what_they_were() -> None:
    for name in ("docx", "xlsx", "odt", "ods", "zip"):
        with zipfile.ZipFile(io.BytesIO(content(name))) as archive:
            assert archive.testzip() is None
            for member in archive.namelist():
                if member.endswith((".xml", ".rels")):
                    ET.fromstring(archive.read(member))  # noqa: S314 - our own
    with zipfile.ZipFile(io.BytesIO(content("odt"))) as archive:
        assert archive.namelist()[0] == "mimetype"
    for name in ("xml", "svg"):
        ET.fromstring(content(name))  # noqa: S314 - our own
    assert json.loads(content("json"))
    assert gzip.decompress(content("gzip"))
    for name, magic in (
        ("jpeg", b"\xff\xd8\xff"),
        ("gif", b"GIF8"),
        ("webp", b"RIFF"),
        ("ico", b"\0\0\1\0"),
        ("rtf", b"{\\rtf1"),
    ):
        assert content(name).startswith(magic)
    assert content("jpeg").endswith(b"\xff\xd9")


def test_the_picture_is_whole() -> None:
    png = content("png")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, pixels = 8, b""
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        name, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert struct.pack(">I", zlib.crc32(name + body)) == png[at + 8 + size : at + 12 + size]
        pixels += body if name == b"IDAT" else b""
        at += 12 + size
    assert len(zlib.decompress(pixels)) == 16 * 17


def test_the_pdf_finds_its_objects() -> None:
    pdf = content("pdf")
    start = int(pdf.split(b"startxref\n")[1].split(b"\n")[0])
    assert pdf[start : start + 4] == b"xref"
    entries = pdf[start:].splitlines()[3:8]
    for number, entry in enumerate(entries, 1):
        assert pdf[int(entry[:10]) :].startswith(b"%d 0 obj" % number)


# --- the plan -------------------------------------------------------------------------------------


def staging(**changes: Any) -> Any:
    wanted = cases.request()
    profile = replace(wanted.profile, neutralisation=Neutralisation(()))
    return replace(
        wanted,
        profile=profile,
        purpose=Purpose.STAGING,
        anonymise=parse_rules(RULES, "it"),
        **changes,
    )


def test_a_copy_is_anonymised_once_it_is_neutralised_and_before_the_erp_runs() -> None:
    steps = plan(staging(bulk_from=0)).steps
    kinds = [step.kind for step in steps]
    first = kinds.index(StepKind.ANONYMISE)
    documents = kinds.index(StepKind.ANONYMISE_DOCUMENTS)
    last = len(kinds) - 1 - kinds[::-1].index(StepKind.NEUTRALISE)
    assert last < first < documents < kinds.index(StepKind.START_ERP)
    assert documents < min(kinds.index(StepKind.POST_OPERATION), kinds.index(StepKind.STATISTICS))
    # A node is complete when what it holds is anonymised.
    complete = [step.target for step in steps[:documents] if step.kind is StepKind.COMPLETE_NODE]
    assert first < kinds.index(StepKind.COMPLETE_NODE)
    assert "erp" not in complete
    assert "by rules mine" in steps[first].title


def test_nothing_is_anonymised_unless_it_is_asked_for() -> None:
    kinds = {step.kind for step in plan(replace(staging(), anonymise=None)).steps}
    assert not kinds & {StepKind.ANONYMISE, StepKind.ANONYMISE_DOCUMENTS}


def test_a_recovery_is_never_anonymised() -> None:
    with pytest.raises(RefusedError, match="only a staging copy is anonymised"):
        plan(replace(staging(), purpose=Purpose.RECOVERY))


def test_rules_for_a_tree_that_the_profile_does_not_have_are_refused() -> None:
    rules = parse_rules(RULES.replace("tree: filestore", "tree: filestor"), "it")
    with pytest.raises(RefusedError, match=r"documents\[0\].tree: the profile has no tree"):
        plan(replace(staging(), anonymise=rules))


def test_checks_are_known_before_they_run() -> None:
    assert anonymised_check_ids(("prod",), ("filestore",)) == (
        "anonymised.rules:prod",
        "anonymised.scan:prod",
        "anonymised.uncovered:prod",
        "anonymised.documents:filestore:prod",
    )
