"""Production's configuration files, made right for another environment. Pure: texts in, texts out.

Every byte that need not change stays: nothing is parsed and written anew. Texts are decoded with
``decode`` and encoded with ``encode``, which give back any bytes, whatever their encoding.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote as percent_encoded

from restore.errors import UsageError
from restore.model import ConfigurationChange, Environment, Part, Role
from restore.model.secret import MASK, Secret
from restore.plan.configuration.ini import ini_value, set_ini_value
from restore.plan.configuration.postgresql_conf import append_lines, postgresql_value, quote
from restore.plan.configuration.properties import properties_value, set_properties_value
from restore.profile import ConfigurationFile

Value = str | Secret

_OWN_SECRET: Final = b"pra: own secret of an environment"
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class ConfigurationText:
    """A configuration file of a generation, decoded by ``decode``.

    ``source`` is its path inside the generation. ``part`` is whose it is; what reads the texts of
    one part takes the others as absent.
    """

    name: str
    server: Role
    source: str
    text: str
    part: Part = Part.ERP


ConfigurationTexts = tuple[ConfigurationText, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """A key and the value that a new environment needs; ``why`` becomes a comment where it can."""

    key: str
    value: Value
    why: str = ""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A configuration file as the new environment needs it, and what had to change."""

    text: str
    changes: tuple[ConfigurationChange, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """The facts of an environment that go into configuration files."""

    database_address: str
    database_port: int
    erp_role: str
    erp_password: Secret
    external_url: str


def target_of(environment: Environment) -> Target:
    """The facts of a standing environment that go into configuration files."""
    database = environment.database
    return Target(
        database_address=database.address,
        database_port=database.port,
        erp_role=database.erp_role,
        erp_password=database.erp_password,
        external_url=environment.external_url,
    )


def placeholders(target: Target, databases: Sequence[str]) -> dict[str, Value]:
    """The value of each placeholder that a profile's ``set`` may hold.

    ``database_filter`` is a regular expression. Its ``%`` are bracketed, since ERPs that read one
    put host names in the place of ``%d`` and ``%h``. ``database_uri`` ends where a database's name
    may follow. ``own_secret`` is made of the environment's own password, which it does not tell.
    """
    names = "|".join(re.escape(name).replace("%", "[%]") for name in databases)
    role, password = target.erp_role, target.erp_password.reveal()
    login = f"{percent_encoded(role, safe='')}:{percent_encoded(password, safe='')}"
    address = f"{target.database_address}:{target.database_port}"
    return {
        "database_address": target.database_address,
        "database_port": str(target.database_port),
        "database_uri": Secret(f"postgresql://{login}@{address}/"),
        "erp_role": target.erp_role,
        "erp_password": target.erp_password,
        "role": target.erp_role,
        "password": target.erp_password,
        "own_secret": Secret(hmac.digest(password.encode(), _OWN_SECRET, "sha256").hex()),
        "databases": ",".join(databases),
        "database_filter": f"^({names})$",
        "external_url": target.external_url,
    }


def find_text(texts: ConfigurationTexts, file: ConfigurationFile) -> ConfigurationText | None:
    """The text that a generation holds for a file of the profile."""
    wanted = (Part.ERP, file.server, file.name)
    return next((one for one in texts if (one.part, one.server, one.name) == wanted), None)


def reports_texts(texts: ConfigurationTexts) -> ConfigurationTexts:
    """The texts of the reports half, as if they were those of an ERP and its database server."""
    return tuple(replace(item, part=Part.ERP) for item in texts if item.part is Part.REPORTS)


def reports_changes(changes: Iterable[ConfigurationChange]) -> tuple[ConfigurationChange, ...]:
    """Changes of the reports half, told apart from the ERP's files of the same name."""
    return tuple(replace(change, file=f"reports/{change.file}") for change in changes)


def value_of(text: str, file: ConfigurationFile, key: str) -> str | None:
    """The value that a configuration file gives a key; None when it is absent."""
    if file.section is not None:
        return ini_value(text, *file.place(key))
    reader = properties_value if file.format == "properties" else postgresql_value
    return reader(text, key)


def reconcile(text: str, file: ConfigurationFile, values: Mapping[str, Value]) -> Reconciled:
    """Set the keys that a profile names; every other byte is kept, and secrets are masked.

    Args:
        text: the file, decoded by ``decode``; empty when the generation holds none.
        values: the placeholders' values (``placeholders``).

    Raises:
        UsageError: the profile uses an unknown placeholder, or a value has a line break or outer
            spaces, which no such file can hold.
    """
    settings = resolved(file.set, values, file.name)
    if file.section is None and file.format == "postgresql":
        return set_postgresql(text, file.name, settings, frozenset(file.secrets))
    return _set_keys(text, file, settings)


def resolved(
    templates: Iterable[tuple[str, str]], values: Mapping[str, Value], where: str
) -> list[Setting]:
    """Fill the placeholders of a profile's ``set``; ``where`` names it in errors.

    Raises:
        UsageError: an unknown placeholder, or a value with a line break or outer spaces.
    """
    settings = [Setting(key, _resolve(template, values, where)) for key, template in templates]
    for setting in settings:
        text = _reveal(setting.value)
        if len(text.splitlines()) > 1 or text != text.strip():
            raise UsageError(
                f"the value for {setting.key} of {where} holds a line break or outer spaces",
                "a configuration file can't hold such a value",
            )
    return settings


def set_postgresql(
    text: str, name: str, settings: Iterable[Setting], masked: frozenset[str] = frozenset()
) -> Reconciled:
    """Add the settings that differ at the end of a postgresql.conf, where they win.

    Production's own lines stay as they are, above. ``masked`` names the keys that are secrets.
    """
    lines: list[str] = []
    changes: list[ConfigurationChange] = []
    for setting in settings:
        before, after = postgresql_value(text, setting.key), _reveal(setting.value)
        if before == after:
            continue
        if setting.why:
            lines.append(f"# {setting.why}")
        lines.append(f"{setting.key} = {quote(after)}")
        changes.append(change_of(name, setting, before, masked))
    return Reconciled(append_lines(text, lines) if lines else text, tuple(changes))


def decode(content: bytes) -> str:
    """Bytes of a file as a text from which ``encode`` gives the same bytes."""
    return content.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The bytes of a text that came from ``decode``."""
    return text.encode("utf-8", "surrogateescape")


def presentable(text: str) -> str:
    """A decoded text that can be shown and sent: what is no UTF-8 is read as Latin-1."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return encode(text).decode("latin-1")
    return text


def _set_keys(text: str, file: ConfigurationFile, settings: Sequence[Setting]) -> Reconciled:
    masked = frozenset(file.secrets)
    changes: list[ConfigurationChange] = []
    for setting in settings:
        before, after = value_of(text, file, setting.key), _reveal(setting.value)
        if file.section is not None:
            changed = set_ini_value(text, *file.place(setting.key), after)
        else:
            changed = set_properties_value(text, setting.key, after)
        if changed != text:
            changes.append(change_of(file.name, setting, before, masked))
        text = changed
    return Reconciled(text, tuple(changes))


def _resolve(template: str, values: Mapping[str, Value], where: str) -> Value:
    names = _PLACEHOLDER.findall(template)
    if unknown := sorted({name for name in names if name not in values}):
        raise UsageError(
            f"{where} of the profile uses unknown placeholders: "
            + ", ".join(f"{{{name}}}" for name in unknown),
            "known ones: " + ", ".join(f"{{{name}}}" for name in sorted(values)),
        )
    text = _PLACEHOLDER.sub(lambda found: _reveal(values[found[1]]), template)
    secret = any(isinstance(values[name], Secret) for name in names)
    return Secret(text) if secret else text


def change_of(
    name: str, setting: Setting, before: str | None, masked: frozenset[str]
) -> ConfigurationChange:
    """What is shown of a key that gets another value; secrets are masked."""
    if isinstance(setting.value, Secret) or setting.key in masked:
        return ConfigurationChange(name, setting.key, None if before is None else MASK, MASK)
    shown = None if before is None else presentable(before)
    return ConfigurationChange(name, setting.key, shown, presentable(setting.value))


def _reveal(value: Value) -> str:
    return value.reveal() if isinstance(value, Secret) else value
