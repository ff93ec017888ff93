"""The files of an ERP, as a profile describes them: configuration and documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from restore.model import Role


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """A configuration file that belongs to a generation.

    ``set`` holds the keys that a new environment needs otherwise, with ``{placeholders}``;
    ``secrets`` the keys whose values are masked wherever they are shown. A file with a ``section``
    is an INI file, whose keys of other sections are written ``section/key``; without one its
    ``format`` says how it is written. A file of a ``keystore`` is not text: it is laid as it is.
    """

    name: str
    server: Role
    path: str
    section: str | None = None
    secrets: tuple[str, ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    format: str = "postgresql"
    keystore: bool = False

    def place(self, key: str) -> tuple[str, str]:
        """The section of a key as the profile writes it, and its name there."""
        section, _, name = key.rpartition("/")
        return section or self.section or "", name


@dataclass(frozen=True, slots=True)
class DocumentFetch:
    """The ERP's request that serves the document of a row (``{id}``), as a logged-in user.

    ``base64`` is a regular expression whose first group is the document, where the answer holds it
    so encoded; None when the answer is the document.
    """

    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    json: Any = None
    base64: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentTree:
    """A tree of documents, one folder a database (``{database}`` in ``path``).

    ``rows`` is a query giving id, name, file relative to the folder, and, where the ERP keeps one,
    hexadecimal checksum by ``algorithm`` (a ``hashlib`` name); ``fetch`` asks the ERP itself;
    ``ignored`` folders of the tree whose files belong to no row by design.
    """

    name: str
    path: str
    rows: str | None = None
    algorithm: str = "sha1"
    fetch: DocumentFetch | None = None
    ignored: tuple[str, ...] = ()
