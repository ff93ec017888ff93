"""Databases that sort by other rules than the operating system's, on real servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.site import Site, new_site
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres import commands
from restore.adapters.postgres.dump_text import database_properties
from restore.adapters.postgres.facts import read_database_facts
from restore.adapters.postgres.locales import list_locales
from restore.checks.database import database_checks
from restore.model import CheckStatus, DatabaseFacts, DatabaseLocale, DatabaseServer, Versioned
from restore.model.secret import Secret
from restore.plan.equivalence.locales import collation_differences
from restore.profile import load_profile

pytestmark = pytest.mark.docker

ICU = DatabaseLocale("icu", "fr-FR-u-kn", "&v < w")
PRODUCTIONS = {
    "by_icu": "LOCALE_PROVIDER icu ICU_LOCALE 'fr-FR-u-kn' ICU_RULES '&v < w'",
    "by_itself": "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
    "by_system": "LC_COLLATE 'fr_FR.utf8'",
}


class Servers:
    """One PostgreSQL, on which production and environment both stand."""

    def __init__(self, runner: Runner, site: Site, image: str) -> None:
        self.runner, self.site = runner, site
        self.container = site.start_database(image)
        self.server = DatabaseServer(
            container=str(self.container.name),
            address=site.address(self.container),
            port=5432,
            superuser="postgres",
            password=Secret(site.passwords.superuser),
            erp_role="odoo",
            erp_password=Secret(site.passwords.erp),
            repository="",
        )

    def facts(self, database: str) -> DatabaseFacts:
        with self.site.connect(self.container, database) as connection:
            return read_database_facts(connection, load_profile("odoo19"))

    def offered(self) -> tuple[Versioned, ...]:
        with self.site.connect(self.container, "postgres") as connection:
            return list_locales(connection)

    def make(self, database: str, options: str) -> None:
        with self.site.connect(self.container, "postgres") as connection:
            statement = f"CREATE DATABASE {database} OWNER odoo TEMPLATE template0 {options}"
            connection.execute(statement.encode())

    def make_again(self, facts: DatabaseFacts, name: str) -> None:
        """As a replay does, under another name."""
        new = commands.NewDatabase(
            name, facts.owner, facts.encoding, facts.collate, facts.ctype, "", locale=facts.locale
        )
        argv = commands.create_database("postgres", new)
        self.runner.check(self.server.container, argv, user="postgres")

    def status(self, facts: DatabaseFacts, database: str) -> tuple[CheckStatus, tuple[str, ...]]:
        found = database_checks(self.server, facts, database)
        (check,) = [item for item in found if item.id.startswith("database.encoding")]
        return check.status, tuple(check.details)


@pytest.fixture(scope="module")
def eighteen(docker_runner: Runner) -> Iterator[Servers]:
    with new_site(docker_runner.client) as site:
        servers = Servers(docker_runner, site, "pra/postgresql:18")
        for name, options in PRODUCTIONS.items():
            servers.make(name, options)
        yield servers


@pytest.mark.heavy
@pytest.mark.parametrize("name", PRODUCTIONS)
def test_a_database_comes_back_with_its_rules(eighteen: Servers, name: str) -> None:
    facts = eighteen.facts(name)
    expected = {
        "by_icu": ICU,
        "by_itself": DatabaseLocale("builtin", "C.UTF-8"),
        "by_system": DatabaseLocale("libc"),
    }
    assert facts.locale == expected[name]
    assert facts.collation_version
    assert list(collation_differences((facts,), eighteen.offered())) == []

    dump = ("pg_dump", "--username=postgres", "--create", "--schema-only", name)
    text = eighteen.runner.check(eighteen.server.container, dump, user="postgres")
    (statement,) = [line for line in text.splitlines() if line.startswith("CREATE DATABASE ")]
    told = database_properties(statement)
    assert told is not None
    assert told.locale == facts.locale, "a dump of others tells it too"

    eighteen.make_again(facts, f"{name}_again")
    again = eighteen.facts(f"{name}_again")
    assert (again.locale, again.collation_version) == (facts.locale, facts.collation_version)
    assert eighteen.status(facts, f"{name}_again") == (CheckStatus.PASSED, ())


@pytest.mark.heavy
def test_another_provider_fails_the_check(eighteen: Servers) -> None:
    facts = eighteen.facts("by_icu")
    status, details = eighteen.status(facts, "by_system")
    assert status is CheckStatus.FAILED
    assert f"locale provider is libc, production had {ICU.text}" in details


def test_a_server_without_icu_offers_none(docker_runner: Runner) -> None:
    with new_site(docker_runner.client) as site:
        servers = Servers(docker_runner, site, "pra/postgresql:16")
        facts = servers.facts("postgres")
        assert facts.locale == DatabaseLocale("libc")
        offered = servers.offered()
        assert any(item.name == "fr_FR.utf8" for item in offered)
        assert not any(item.name.startswith("icu:") for item in offered)
        servers.make_again(facts, "again")
        assert servers.facts("again").locale == facts.locale
