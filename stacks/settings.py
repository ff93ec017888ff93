"""The stack's settings: the only reader of Pulumi's configuration.

``stacks/keys.py`` describes every setting. ``parse`` is pure, so that it can be
tested without Pulumi; ``read`` gives it what the stack holds.
"""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pulumi
from pulumi.runtime import config as pulumi_config

from restore.errors import UsageError
from restore.model import Acceptance, Credentials, Purpose, Role, Selection, locations
from restore.model.durations import parse_budget, parse_days
from restore.model.environment import Limits, certificate_choice
from restore.model.secret import Secret
from stacks.anonymise import KEY, AnonymiseSettings, read_anonymise
from stacks.keys import DEFAULT_SHARED_MEMORY_MB, KEYS, NAMESPACE
from stacks.placement import Placement, read_placement
from stacks.values import Values

_PRIVATE: Final = tuple(
    ipaddress.IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)


SIZE_KEYS: Final = (
    "databaseMemoryMb",
    "databaseCpus",
    "databaseSharedMemoryMb",
    "erpMemoryMb",
    "erpCpus",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the stack is told; paths are absolute."""

    stack: str
    selection: Selection
    purpose: Purpose
    anonymise: AnonymiseSettings | None
    keep: bool
    replay: bool
    replace: bool
    subnet: ipaddress.IPv4Network
    placement: Placement
    external_url: str | None
    certificate: Path | None
    plain: bool
    http_port: int | None
    database_limits: Limits
    erp_limits: Limits
    images: Mapping[Role, str]
    credentials: Credentials | None
    reports_account: Credentials | None
    database_password: Secret | None
    erp_password: Secret | None
    accepted: tuple[Acceptance, ...]
    jobs: int | None
    reports: Path
    language: str
    rto_budget: float | None
    rpo_budget: float | None
    require_signed: bool
    only_generation: bool = False

    def repository_on(self, role: Role) -> Path:
        """Where the host of a database server sees the backup repository."""
        told = self.placement.repository_paths.get(role)
        return self.selection.repository if told is None else Path(told)


@dataclass(frozen=True, slots=True)
class Place:
    """Whose settings are read: the stack's name and the project's folder."""

    stack: str
    root: Path


def read() -> Settings:
    """Read the settings of the stack that Pulumi runs.

    Raises:
        UsageError: settings are wrong; names each.
    """
    prefix = f"{NAMESPACE}:"
    raw = {
        key.removeprefix(prefix): value
        for key, value in pulumi_config.CONFIG.get().items()
        if key.startswith(prefix)
    }
    secret = {name for name in raw if pulumi_config.is_config_secret(prefix + name)}
    return parse(raw, secret, Place(pulumi.get_stack(), locations.ROOT))


def parse(raw: Mapping[str, str], secret: Collection[str], place: Place) -> Settings:
    """Turn raw settings into ``Settings``.

    Args:
        raw: what Pulumi holds by name, without the namespace; lists and objects are JSON.
        secret: names of those that are held as secrets.

    Raises:
        UsageError: settings are missing, unknown or wrong; all at once, each with its key.
    """
    values = Values(NAMESPACE, raw)
    _refuse_unknown(values, raw)
    for key in KEYS:
        if key.secret and key.name in raw and key.name not in secret:
            command = f"pulumi config set --secret {NAMESPACE}:{key.name}"
            values.wrong(key.name, f"must be a secret: '{command}'")
    settings = _settings(values, place)
    if values.errors:
        lines = "\n".join(f"  {error}" for error in values.errors)
        raise UsageError(
            f"the settings of stack {place.stack} are wrong:\n{lines}",
            f"see 'pulumi config --stack {place.stack}'; each key is described in "
            "docs/reference/configuration.md",
        )
    return settings


def default_subnet(stack: str) -> ipaddress.IPv4Network:
    """The subnet of a stack that isn't told one.

    Derived from its name: the same at each run, and two stacks seldom share one. Docker's own
    pools hold nothing of 10.0.0.0/8, so that no network that Docker chose can be in the way.
    """
    digest = hashlib.sha256(stack.encode()).digest()
    return ipaddress.IPv4Network(f"10.{192 + digest[0] % 64}.{digest[1]}.0/24")


def _refuse_unknown(values: Values, raw: Mapping[str, str]) -> None:
    known = [key.name for key in KEYS]
    for name in raw:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {NAMESPACE}:{near[0]}?" if near else ""
            values.wrong(name, f"there is no such setting{hint}")


def _settings(values: Values, place: Place) -> Settings:
    keep = values.boolean("keep", False)
    sizes = values.numbers("sizes", SIZE_KEYS)
    certificate, plain = certificate_choice(values.optional("certificate"), place.root)
    shared = sizes.whole("databaseSharedMemoryMb", 1)
    known = tuple(purpose.value for purpose in Purpose)
    text = values.choice("purpose", known)
    purpose = Purpose(text) if text in known else Purpose.RECOVERY
    _require_days(values)
    return Settings(
        stack=place.stack,
        selection=Selection(
            repository=place.root / values.text("repository", ".pra/repository"),
            generation=values.text("generation"),
            profile=values.text("profile", "odoo"),
            databases=values.texts("databases"),
        ),
        purpose=purpose,
        anonymise=read_anonymise(values, place.root, _secret(values, KEY), purpose),
        keep=keep,
        replay=values.boolean("replay", True),
        replace=values.boolean("replace", not keep),
        subnet=_subnet(values, place.stack),
        placement=read_placement(values),
        external_url=values.url("externalUrl"),
        certificate=certificate,
        plain=plain,
        http_port=values.integer("httpPort", 1, 65535),
        # PostgreSQL refuses to start with less; Odoo is killed at its first page.
        database_limits=Limits(
            memory_mb=sizes.whole("databaseMemoryMb", 64),
            cpus=sizes.number("databaseCpus", 0.1),
            shared_memory_mb=shared or DEFAULT_SHARED_MEMORY_MB,
        ),
        erp_limits=Limits(
            memory_mb=sizes.whole("erpMemoryMb", 128), cpus=sizes.number("erpCpus", 0.1)
        ),
        images=_images(values),
        credentials=_credentials(values, "check", "admin"),
        reports_account=_credentials(values, "reports", "jasperadmin"),
        database_password=_secret(values, "databasePassword"),
        erp_password=_secret(values, "erpPassword"),
        accepted=tuple(
            Acceptance(item["difference"], item["reason"])
            for item in values.records("accept", ("difference", "reason"))
        ),
        jobs=values.integer("jobs", 1, 64),
        reports=place.root / values.text("reports", ".pra/reports"),
        language=values.choice("language", ("en", "fr")),
        rto_budget=_budget(values, "rtoBudget", "recovery time"),
        require_signed=values.boolean("requireSigned", False),
        only_generation=values.boolean("onlyGeneration", False),
        rpo_budget=_budget(values, "rpoBudget", "age of data"),
    )


def _subnet(values: Values, stack: str) -> ipaddress.IPv4Network:
    text = values.optional("subnet")
    if text is None:
        return default_subnet(stack)
    try:
        subnet = ipaddress.IPv4Network(text)
    except ValueError as error:
        values.wrong("subnet", f"must be an IPv4 network such as 10.20.30.0/24: {error}")
        return default_subnet(stack)
    if not any(subnet.subnet_of(private) for private in _PRIVATE):
        values.wrong("subnet", f"{subnet} is not private: take one of 10/8, 172.16/12, 192.168/16")
    if not 16 <= subnet.prefixlen <= 28:
        values.wrong("subnet", f"must be from /16 to /28, not /{subnet.prefixlen}")
    return subnet


def _budget(values: Values, key: str, what: str) -> float | None:
    text = values.optional(key)
    if text is None:
        return None
    try:
        return parse_budget(text, what)
    except UsageError as error:
        values.wrong(key, f"{error.message}; {error.hint}")
        return None


def _require_days(values: Values) -> None:
    """A drill alone heeds it; what is wrong is told with all the rest."""
    text = values.optional("coldEvery")
    try:
        parse_days(text or "7")
    except UsageError as error:
        values.wrong("coldEvery", f"{error.message}; {error.hint}")


def _images(values: Values) -> Mapping[Role, str]:
    names = {role: f"{role.setting}Image" for role in Role}
    found = {role: values.optional(name) for role, name in names.items()}
    for role, image in found.items():
        if image is not None and any(character.isspace() for character in image):
            values.wrong(names[role], f"must be an image such as name:tag, not {image!r}")
    return MappingProxyType({role: image for role, image in found.items() if image is not None})


def _credentials(values: Values, prefix: str, default: str) -> Credentials | None:
    login = values.optional(f"{prefix}Login")
    password = _secret(values, f"{prefix}Password")
    if password is None:
        if login is not None:
            values.wrong(f"{prefix}Login", f"needs {NAMESPACE}:{prefix}Password")
        return None
    return Credentials(login or default, password)


def _secret(values: Values, name: str) -> Secret | None:
    text = values.optional(name)
    if text is not None and any(character in text for character in "\0\r\n"):
        values.wrong(name, "must be one line")
    return None if text is None else Secret(text)
