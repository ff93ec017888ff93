"""The PostgreSQL login in an ERP's own configuration. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from restore.model.secret import Secret
from restore.plan.configuration.files import value_of
from restore.profile import ConfigurationFile, ErpProfile


@dataclass(frozen=True, slots=True)
class ErpLogin:
    """A role and its password; None where the configuration does not say."""

    role: str | None
    password: Secret | None


def erp_login(text: str, file: ConfigurationFile, erp: ErpProfile) -> ErpLogin:
    """The login that a configuration file holds, under the keys that the profile names."""
    if erp.uri_key is not None:
        return _from_uri(_value(text, file, erp.uri_key) or "")
    password = _value(text, file, erp.password_key)
    return ErpLogin(_value(text, file, erp.role_key), Secret(password) if password else None)


def _value(text: str, file: ConfigurationFile, key: str | None) -> str | None:
    return value_of(text, file, key) if key is not None else None


def _from_uri(uri: str) -> ErpLogin:
    """Role and password of ``postgresql://role:password@host:port/``, percent-encoded there."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ErpLogin(None, None)
    password = unquote(parts.password or "")
    return ErpLogin(unquote(parts.username or "") or None, Secret(password) if password else None)
