"""What is replaced by what, as values. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from restore.model.secret import Secret

EMAIL_DOMAIN: Final = "anonymous.invalid"
"""Where new addresses are unless rules say another domain; it never resolves (RFC 2606)."""


PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
"""How an expression names the kind of replacement that stands in its place."""


class Kind(StrEnum):
    """What stands in a column."""

    FIRST_NAME = "first-name"
    LAST_NAME = "last-name"
    PERSON = "person"
    COMPANY = "company"
    EMAIL = "email"
    LOGIN = "login"
    PHONE = "phone"
    STREET = "street"
    ZIP = "zip"
    CITY = "city"
    IBAN = "iban"
    VAT = "vat"
    URL = "url"
    FREE_TEXT = "free-text"
    FILE_NAME = "file-name"
    NOTHING = "nothing"

    @property
    def function(self) -> str:
        """The SQL function that replaces one value; NOTHING has none."""
        return f"pg_temp.pra_{self.value.replace('-', '_')}"


@dataclass(frozen=True, slots=True)
class Choice:
    """One replacement of a column: exactly one of kind, constant and expression is not None."""

    kind: Kind | None = None
    constant: str | float | bool | None = None
    expression: str | None = None
    when: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """A column's replacements; of several, the first counts whose condition holds."""

    name: str
    choices: tuple[Choice, ...]

    @property
    def complete(self) -> bool:
        """Whether no row of those that the table's condition selects can keep its original."""
        certain = all(choice.expression is None for choice in self.choices)
        return certain and any(choice.when is None for choice in self.choices)


@dataclass(frozen=True, slots=True)
class TableRule:
    """What is replaced in a table, in the rows that ``where`` selects; in all when None."""

    schema: str
    name: str
    columns: tuple[ColumnRule, ...]
    where: str | None = None

    @property
    def title(self) -> str:
        """How it is shown."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class DocumentsRule:
    """A tree of documents whose files are replaced, but for the rows that ``keep`` selects.

    ``layout`` names how the table tells of files: see ``layouts``.
    """

    tree: str
    table: TableRule
    keep: str | None = None
    layout: str = "odoo"


@dataclass(frozen=True, slots=True)
class Rules:
    """All that is replaced. ``not_personal`` are columns, ``table.column`` or ``table.*``."""

    name: str
    tables: tuple[TableRule, ...]
    documents: tuple[DocumentsRule, ...] = ()
    not_personal: tuple[str, ...] = ()
    email_domain: str = EMAIL_DOMAIN


@dataclass(frozen=True, slots=True)
class Anonymisation:
    """What a replay is asked to anonymise by: the rules, and the key that decides replacements."""

    rules: Rules
    key: Secret
