"""JDBC data sources of a reports server: which database they read, and where. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_URL: Final = re.compile(r"jdbc:postgresql://(?P<server>[^/?]*)/(?P<database>[^?;]+)")
_DEFAULT_PORT: Final = "5432"


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a JDBC URL; ``server`` is host:port."""

    server: str
    database: str


def address_of(url: str) -> Address | None:
    """Parse a PostgreSQL JDBC URL; None for any other URL."""
    found = _URL.match(url)
    if found is None:
        return None
    _host, colon, port = found["server"].rpartition(":")
    server = found["server"] if colon and port.isdigit() else f"{found['server']}:{_DEFAULT_PORT}"
    return Address(server, found["database"])
