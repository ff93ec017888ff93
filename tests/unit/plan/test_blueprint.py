"""The environment that a generation asks for."""

from dataclasses import replace
from typing import Any

import pytest

from fixtures.plans.cases import PASSWORD, database, generation, texts
from restore.errors import DamagedGenerationError
from restore.model import Generation, ImageFacts, Mount, ProxyFacts, Role
from restore.plan import blueprint as blueprints
from restore.plan.blueprint import blueprint, configuration_texts, erp_role
from restore.plan.configuration.files import ConfigurationText
from restore.plan.configuration.postgresql_conf import postgresql_value
from restore.profile import load_profile
from restore.repository.folder import FolderRepository
from tests.support.repository import Contents, GenerationFactory

PROFILE = load_profile("odoo")
MADE = generation(database("specibike_prod"))


def conf(
    text: str, name: str = "postgresql.conf", server: Role = Role.DATABASE
) -> ConfigurationText:
    return ConfigurationText(name, server, f"configuration/{server}/{name}", text)


def an_image() -> ImageFacts:
    """The image of the ERP that was captured."""
    image = MADE.fingerprint.erp.image
    assert image is not None
    return image


def without_images(made: Generation) -> Generation:
    fingerprint = made.fingerprint
    return replace(
        made,
        fingerprint=replace(
            fingerprint,
            postgresql=replace(fingerprint.postgresql, image=None),
            erp=replace(fingerprint.erp, image=None),
        ),
    )


def with_database(**changes: Any) -> Generation:
    return generation(replace(database("specibike_prod"), **changes))


def test_images_are_those_of_production() -> None:
    made = replace(
        MADE,
        fingerprint=replace(
            MADE.fingerprint,
            erp=replace(MADE.fingerprint.erp, image=replace(an_image(), reference="e:1")),
        ),
    )
    intended = blueprint(made, PROFILE, ())
    assert (intended.database.image, intended.erp.image) == ("pra/postgresql:13", "e:1")
    assert intended.proxy_image == "pra/nginx:1.18"


@pytest.mark.parametrize(("version", "image"), [("1.24.0", "e:1"), ("", "pra/nginx:1.18")])
def test_the_proxy_s_image_is_production_s_where_that_is_nginx(version: str, image: str) -> None:
    recorded = replace(an_image(), reference="e:1")
    proxy = ProxyFacts(replace(MADE.fingerprint.erp, version=version, image=recorded))
    made = replace(MADE, fingerprint=replace(MADE.fingerprint, proxy=proxy))
    assert blueprint(made, PROFILE, ()).proxy_image == image
    assert blueprint(made, PROFILE, (), {Role.PROXY: "mine:1"}).proxy_image == "mine:1"


def test_images_are_the_profile_s_when_none_is_recorded() -> None:
    intended = blueprint(without_images(MADE), replace(PROFILE), ())
    assert (intended.database.image, intended.erp.image) == (
        PROFILE.database.image,
        PROFILE.erp.image,
    )


def test_images_can_be_chosen() -> None:
    chosen = {Role.DATABASE: "d:2", Role.ERP: "e:2", Role.PROXY: "p:2"}
    intended = blueprint(MADE, PROFILE, (), chosen)
    assert (intended.database.image, intended.erp.image, intended.proxy_image) == (
        "d:2",
        "e:2",
        "p:2",
    )


def test_the_erp_server_is_the_profile_s() -> None:
    erp = blueprint(MADE, PROFILE, texts()).erp
    assert erp.entrypoint == ("/usr/bin/odoo",)
    assert erp.user == "odoo"
    assert erp.mounts == (Mount("documents", "/var/lib/odoo"),)
    assert erp.uploads == ()


def test_postgresql_reads_the_uploaded_files() -> None:
    server = blueprint(MADE, PROFILE, texts()).database
    assert server.entrypoint == ()
    assert server.command == (
        "postgres",
        "-c",
        "config_file=/etc/postgresql/postgresql.conf",
        "-c",
        "hba_file=/etc/postgresql/pg_hba.conf",
    )
    uploads = {upload.path: upload.content for upload in server.uploads}
    assert set(uploads) == {"/etc/postgresql/postgresql.conf", "/etc/postgresql/pg_hba.conf"}
    rules = [
        line.split()
        for line in uploads["/etc/postgresql/pg_hba.conf"].splitlines()
        if not line.startswith("#")
    ]
    assert rules == [
        ["local", "all", "all", "trust"],
        ["host", "all", "all", "all", "scram-sha-256"],
    ]
    assert server.health == ("pg_isready", "-h", "127.0.0.1", "-U", "postgres")
    assert server.mounts == (Mount("data", "/var/lib/postgresql/data"),)


def test_production_s_settings_are_kept_apart_from_what_would_reach_it() -> None:
    intended = blueprint(MADE, PROFILE, texts())
    text = intended.database.uploads[0].content
    assert postgresql_value(text, "max_connections") == "200"
    assert postgresql_value(text, "archive_mode") == "off"
    assert ("archive_mode", "on", "off") in {(c.key, c.before, c.after) for c in intended.changes}


def test_a_configuration_of_another_encoding_can_be_sent() -> None:
    text = "# é\n".encode("latin-1").decode("utf-8", "surrogateescape")
    content = blueprint(MADE, PROFILE, (conf(text),)).database.uploads[0].content
    assert content.startswith("# é\n")


def test_the_cluster_has_the_main_database_s_locale() -> None:
    assert blueprint(MADE, PROFILE, ()).database.environment == (
        "PGDATA=/var/lib/postgresql/data",
        "POSTGRES_INITDB_ARGS=--encoding=UTF8 --lc-collate=fr_FR.UTF-8 --lc-ctype=fr_FR.UTF-8",
    )


@pytest.mark.parametrize("field", ["encoding", "collate", "ctype"])
@pytest.mark.parametrize("value", ["C; reboot", "$(reboot)", "C --pwfile=/x", "", "-x", "C\nx"])
def test_words_of_a_manifest_never_reach_a_shell(field: str, value: str) -> None:
    with pytest.raises(DamagedGenerationError, match="specibike_prod"):
        blueprint(with_database(**{field: value}), PROFILE, ())


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("[options]\ndb_user = erp_user\n", "erp_user"),
        ("[options]\ndb_user = False\n", "owner"),
        ("[options]\ndb_user =\n", "owner"),
        ("[options]\n", "owner"),
        (None, "owner"),
    ],
)
def test_the_erp_s_role_is_its_configuration_s_or_the_owner(text: str | None, role: str) -> None:
    held = () if text is None else (conf(text, "odoo.conf", Role.ERP),)
    assert erp_role(with_database(owner="owner"), PROFILE, held) == role


def test_a_generation_without_database_tells_no_role() -> None:
    with pytest.raises(DamagedGenerationError, match="holds no database"):
        blueprint(generation(), PROFILE, ())


def test_no_secret_of_production_is_in_a_blueprint() -> None:
    assert PASSWORD not in repr(blueprint(MADE, PROFILE, texts()))


def test_configuration_texts_are_read_from_a_generation(
    small_generation: Generation, repository: FolderRepository
) -> None:
    found = {
        (t.server, t.name): t for t in configuration_texts(repository, small_generation, PROFILE)
    }
    assert set(found) == {
        (Role.ERP, "odoo.conf"),
        (Role.DATABASE, "postgresql.conf"),
        (Role.DATABASE, "pg_hba.conf"),
    }
    erp = found[Role.ERP, "odoo.conf"]
    assert erp.source == "configuration/erp/odoo.conf"
    assert erp.text.startswith("[options]")


def test_files_that_the_profile_does_not_know_are_left(
    small_generation: Generation, repository: FolderRepository
) -> None:
    fewer = replace(PROFILE, configuration=PROFILE.configuration_of(Role.ERP))
    (only,) = configuration_texts(repository, small_generation, fewer)
    assert only.name == "odoo.conf"


def test_bytes_of_any_encoding_come_through(
    generation_factory: GenerationFactory, repository: FolderRepository
) -> None:
    made = generation_factory(Contents(odoo_conf=b"[options]\n# \xe9\n"))
    held = {t.name: t.text for t in configuration_texts(repository, made, PROFILE)}
    assert held["odoo.conf"].encode("utf-8", "surrogateescape") == b"[options]\n# \xe9\n"


def test_a_huge_configuration_file_is_none(
    generation_factory: GenerationFactory,
    repository: FolderRepository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blueprints, "LONGEST_CONFIGURATION", 100)
    made = generation_factory(Contents(odoo_conf=b"x" * 101))
    with pytest.raises(DamagedGenerationError, match=r"configuration/erp/odoo\.conf"):
        configuration_texts(repository, made, PROFILE)
