"""The statements that replace what rules name. Pure.

One ``UPDATE`` a table: every value is computed from the row's originals, so that rows are changed
in one pass whatever their number. The functions are in ``functions.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Final

from restore.adapters.postgres.commands import identifier, literal
from restore.anonymise.layouts import LAYOUTS
from restore.anonymise.rules import (
    PLACEHOLDER,
    Choice,
    ColumnRule,
    DocumentsRule,
    Kind,
    Rules,
    TableRule,
)
from restore.anonymise.tables import Column, Place, Table

EMAIL: Final = r"([[:alnum:]_][[:alnum:]._%+''-]*@[[:alnum:]-]+(?:\.[[:alnum:]-]+)+)"
"""An address, as a POSIX expression in an SQL string; it needs a dot after the @."""

LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
"""Letters and digits of an IBAN, by country."""

_COUNTRIES: Final = "|".join(
    f"[{letters[0]}{letters[0].lower()}][{letters[1]}{letters[1].lower()}]"
    for letters in sorted(LENGTHS)
)

PAIR: Final = "[A-Za-z]{2}[0-9]{2}"
MAYBE_IBAN: Final = r"\m[A-Za-z]{2}[0-9]{2}[ .-]?[A-Za-z0-9]{4}[ .-]?[A-Za-z0-9]{4}"
"""What every IBAN matches, the first at less cost than the second, that at less than the whole."""

IBAN: Final = rf"\m((?:{_COUNTRIES})[0-9]{{2}}(?:[[:space:].-]?[A-Za-z0-9]){{11,30}})"
"""An IBAN, perhaps with more behind it: its country tells where it ends."""


_LOCAL: Final = 21
"""Characters of a new address before its @."""
_SHORTEST_LOCAL: Final = 9


def functions() -> str:
    """What makes the functions, in a session whose settings hold the key."""
    return _resource("functions.sql")


def scanning() -> str:
    """What makes the functions that find addresses; those of ``functions`` are there."""
    lengths = ", ".join(f'"{country}": {length}' for country, length in sorted(LENGTHS.items()))
    text = _resource("scanning.sql").replace("{lengths}", f"{{{lengths}}}")
    text = text.replace("{email}", EMAIL).replace("{iban}", IBAN)
    return text.replace("{pair}", PAIR).replace("{maybe}", MAYBE_IBAN)


def _resource(name: str) -> str:
    return (resources.files("restore") / "anonymise" / name).read_text(encoding="utf-8")


def absent(rules: Rules, tables: tuple[Table, ...]) -> tuple[str, ...]:
    """Tables and columns that rules name and a database does not have."""
    found = list[str]()
    for rule in every_table(rules):
        table = find(tables, rule)
        names = (column.name for column in rule.columns if table and not table.column(column.name))
        found += (f"{rule.title}.{name}" for name in names) if table else (rule.title,)
    return tuple(found)


def every_table(rules: Rules) -> tuple[TableRule, ...]:
    """The rules of all tables, those of documents last."""
    return (*rules.tables, *(one.table for one in rules.documents))


def find(tables: tuple[Table, ...], rule: TableRule) -> Table | None:
    """The table that a rule is about; a view is none."""
    found = (one for one in tables if (one.schema, one.name) == (rule.schema, rule.name))
    return next((one for one in found if one.kind != "m"), None)


def problems(rules: Rules, tables: tuple[Table, ...]) -> tuple[str, ...]:
    """What rules ask for that a database's columns can't hold."""
    return tuple(_problems(rules, tables))


def _problems(rules: Rules, tables: tuple[Table, ...]) -> Iterator[str]:
    for rule in every_table(rules):
        table = find(tables, rule)
        for item in rule.columns if table else ():
            column = table.column(item.name) if table else None
            if column is None:
                continue
            place = f"{rule.title}.{item.name}"
            if column.generated:
                yield f"{place}: PostgreSQL computes it from other columns; it needs no rule"
            kinds = {one.kind for one in item.choices} - {None, Kind.NOTHING}
            if kinds and not column.is_text:
                yield f"{place}: it is {column.type}, which takes an expression or 'nothing' only"
            room = (column.limit or 1000) - len(rules.email_domain) - 1
            if kinds & {Kind.EMAIL, Kind.LOGIN} and room < _SHORTEST_LOCAL:
                yield f"{place}: an address at {rules.email_domain} does not fit into {column.type}"


def update(rule: TableRule, table: Table, domain: str) -> str | None:
    """The statement for one table; None when the table has no column of the rule."""
    settings = tuple(_settings(rule.columns, table, domain))
    if not settings:
        return None
    conditions = [f"({rule.where})"] if rule.where else []
    present = [item for item in rule.columns if table.column(item.name)]
    # Of replaced values, an empty one stays empty.
    if all(choice.kind is not None for item in present for choice in item.choices):
        names = ", ".join(f"t.{identifier(item.name)}" for item in present)
        conditions.append(f"num_nonnulls({names}) > 0")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"UPDATE {table.quoted} AS t SET {', '.join(settings)}{where}"


def update_documents(rule: DocumentsRule, table: Table, domain: str) -> str:
    """The statement that makes rows name placeholders instead of their files.

    The temporary tables ``pra_placeholder`` and ``pra_type`` tell which: see ``placeholders``.
    """
    layout = LAYOUTS[rule.layout]
    settings = (
        *(f"{identifier(name)} = {value}" for name, value in layout.settings(table).items()),
        *_settings(rule.table.columns, table, domain),
    )
    kept = f" AND NOT coalesce(({rule.keep}), false)" if rule.keep else ""
    return (
        f"UPDATE {table.quoted} AS t SET {', '.join(settings)} FROM pg_temp.pra_placeholder AS p"
        f" WHERE p.layout = {literal(rule.layout)} AND p.type = {layout.type_of(table)}{kept}"
    )


def _settings(columns: Iterable[ColumnRule], table: Table, domain: str) -> Iterator[str]:
    for item in columns:
        column = table.column(item.name)
        if column is not None:
            yield f"{identifier(item.name)} = ({_replacement(item, column, domain)})::{column.type}"


def _replacement(item: ColumnRule, column: Column, domain: str) -> str:
    original = f"t.{identifier(item.name)}"
    if item.choices[0].when is None:
        return _value(item.choices[0], column, original, domain)
    cases = list[str]()
    for choice in item.choices:
        value = _value(choice, column, original, domain)
        if choice.when is None:
            return f"CASE {' '.join(cases)} ELSE {value} END"
        cases.append(f"WHEN ({choice.when}) THEN {value}")
    return f"CASE {' '.join(cases)} ELSE {original} END"


def _value(choice: Choice, column: Column, original: str, domain: str) -> str:
    if choice.expression is not None:
        return "(" + PLACEHOLDER.sub(lambda m: Kind(m[1]).function, choice.expression) + ")"
    if choice.kind is Kind.NOTHING:
        return "''" if column.not_null and column.is_text else "NULL"
    if choice.kind is None:
        return literal(str(choice.constant))
    value = f"{choice.kind.function}({original}::text)"
    room = (column.limit or 1000) - len(domain) - 1
    if choice.kind in (Kind.EMAIL, Kind.LOGIN) and room < _LOCAL:
        # Cut before the @: what is left behind it must stay the reserved domain.
        return f"regexp_replace({value}, '^([^@]{{{room}}})[^@]*@', '\\1@')"
    return value


def scan(places: list[tuple[int, Place]]) -> str:
    """The query that finds addresses in columns of one table: place, kind and digest."""
    table = places[0][1].table
    values = ", ".join(
        f"({number}, t.{identifier(place.column.name)}::text)" for number, place in places
    )
    email = "position('@' IN v.value) > 0"
    iban = f"v.value ~ '{PAIR}' AND v.value ~ '{MAYBE_IBAN}'"
    # One function for both would cost a call for each text; so a text without either costs none.
    return (
        "SELECT v.place, f.kind, pg_temp.pra_digest(f.kind, f.value) AS digest, count(*) AS number"
        f" FROM ONLY {table.quoted} AS t CROSS JOIN LATERAL (VALUES {values}) AS v (place, value)"
        " CROSS JOIN LATERAL (SELECT 'email' AS kind, lower(m[1]) AS value"
        f" FROM regexp_matches(v.value, '{EMAIL}', 'g') AS m WHERE {email}"
        " UNION ALL SELECT 'iban', upper(regexp_replace(i, '[^A-Za-z0-9]', '', 'g'))"
        f" FROM regexp_matches(v.value, '{IBAN}', 'g') AS m,"
        f" pg_temp.pra_leading_iban(m[1]) AS i WHERE {iban} AND i IS NOT NULL) AS f"
        f" WHERE {email} OR {iban} GROUP BY 1, 2, 3"
    )


def sweep(places: list[Place]) -> str:
    """The statement that replaces originals inside of columns of one table, and nothing else.

    None of them may be one that PostgreSQL computes.
    """
    columns = [(identifier(place.column.name), place.column.type) for place in places]
    settings = ", ".join(f"{name} = pg_temp.pra_scrub(t.{name}::text)::{t}" for name, t in columns)
    conditions = " OR ".join(
        f"position('@' IN t.{name}::text) > 0 OR t.{name}::text ~ '{PAIR}'" for name, _ in columns
    )
    return f"UPDATE ONLY {places[0].table.quoted} AS t SET {settings} WHERE {conditions}"
