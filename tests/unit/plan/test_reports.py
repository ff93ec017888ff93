"""The reports half: its view, its plan, its files, its checks' judgement."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.plans import cases
from restore.checks.documents import compare
from restore.checks.neutralised import OF_REPORTS, foreseen_neutralised_checks
from restore.checks.tree import Tree
from restore.errors import RefusedError
from restore.model import (
    Artifact,
    ArtifactKind,
    DataSource,
    EnvironmentFacts,
    FileEntry,
    Fingerprint,
    Generation,
    KeystoreFile,
    Part,
    Purpose,
    ReportsFacts,
    Role,
    ServerFacts,
    StepKind,
)
from restore.model.parts import reports_generation, stored_folder, stored_name
from restore.plan.blueprint import blueprint
from restore.plan.configuration.files import ConfigurationText
from restore.plan.configuration.properties import properties_value, set_properties_value
from restore.plan.neutralise import for_copies
from restore.plan.planning import plan
from restore.plan.reports import Address, address_of
from restore.plan.request import PlanRequest, foreseen_target
from restore.profile import load_profile
from restore.profile.lint import neutralisation_problems

PROFILE = load_profile("openprod")
KEYSTORE = b"\xfe\xed\xfe\xed key"
SOURCE = DataSource("/sources/erp", "jdbc:postgresql://10.0.0.5/openprod?ssl=false", "openprod")


def artifact(name: str, kind: ArtifactKind, part: Part, database: str | None = None) -> Artifact:
    folder = name if part is Part.ERP else stored_folder(name)
    stored = name if part is Part.ERP else stored_name(name)
    return Artifact(
        stored, kind, database, "/", folder, f"indexes/{stored}.jsonl", "0" * 64, 1, 10, part=part
    )


def fingerprint(series: str, database: str) -> Fingerprint:
    server = ServerFacts("16.2", 160002, None, None)
    erp = ServerFacts(series, 0, None, None)
    return Fingerprint(server, erp, series, (cases.database(database),))


def generation() -> Generation:
    facts = ReportsFacts(
        fingerprint("7.2.0", "jasperserver"),
        ("/rapports/ventes",),
        (SOURCE, DataSource("/sources/other", "jdbc:postgresql://10.0.0.6/paie", "paie")),
        (KeystoreFile("jrsks", hashlib.sha256(KEYSTORE).hexdigest()),),
    )
    kinds = ArtifactKind
    return replace(
        cases.cases()["one-database"].generation,
        profile="openprod",
        fingerprint=replace(fingerprint("9", "openprod"), reports=facts),
        artifacts=(
            artifact("roles", kinds.ROLES, Part.ERP),
            artifact("database-openprod", kinds.DATABASE, Part.ERP, "openprod"),
            artifact("system-openprod", kinds.DOCUMENTS, Part.ERP, "openprod"),
            artifact("client-openprod", kinds.DOCUMENTS, Part.ERP, "openprod"),
            artifact("roles", kinds.ROLES, Part.REPORTS),
            artifact("database-jasperserver", kinds.DATABASE, Part.REPORTS, "jasperserver"),
            artifact("keystore", kinds.KEYSTORE, Part.REPORTS),
        ),
    )


def texts(keystore: bytes = KEYSTORE) -> tuple[ConfigurationText, ...]:
    held = keystore.decode("utf-8", "surrogateescape")
    master = "# dépôt\ndbHost=old\ndbUsername=jasperdb\ndbPassword=s3cret-of-production\n"
    return (
        ConfigurationText("jrsks", Role.ERP, "reports/keystore/jrsks", held, Part.REPORTS),
        ConfigurationText("default_master.properties", Role.ERP, "reports/m", master, Part.REPORTS),
    )


def request(keystore: bytes = KEYSTORE) -> PlanRequest:
    made = generation()
    intended = blueprint(made, PROFILE, texts(keystore))
    unknown = ServerFacts("", 0, None, None)
    return PlanRequest(
        generation=made,
        profile=PROFILE,
        texts=texts(keystore),
        facts=EnvironmentFacts(unknown, unknown, ""),
        target=foreseen_target("drill", intended, "/srv/repository"),
    )


def test_the_reports_half_is_a_generation_of_its_own() -> None:
    seen = reports_generation(generation())
    assert seen is not None
    assert [(a.name, a.kind) for a in seen.artifacts] == [
        ("roles", ArtifactKind.ROLES),
        ("database-jasperserver", ArtifactKind.DATABASE),
        ("configuration-erp", ArtifactKind.CONFIGURATION),
    ]
    assert reports_generation(replace(seen)) is None


def test_names_of_the_two_halves_never_meet() -> None:
    assert stored_name("configuration-erp") == "reports-configuration-server"
    assert stored_name("roles") == "reports-roles"
    assert {a.name for a in generation().artifacts_of(ArtifactKind.ROLES)} == {"roles"}


def test_the_blueprint_holds_both_halves() -> None:
    made = blueprint(generation(), PROFILE, texts(), {Role.REPORTS: "mine:1"}).reports
    assert made is not None
    assert made.erp.image == "mine:1"
    assert made.erp_role == "jasperdb"
    assert made.database.image == "pra/postgresql:16"
    assert "PGDATA=/opt/jasperserver_7.2.0/PostgreSQL/data" in made.database.environment


def test_the_plan_brings_the_reports_server_back_after_the_erp() -> None:
    made = plan(request())
    ids = [step.id for step in made.steps]
    assert len(set(ids)) == len(ids)
    assert ids.index("start-erp") < ids.index("reports:stop-erp")
    acts = [one for one in ids if "-node" not in one and not one.startswith("post-operation")]
    assert acts[-2:] == ["reports:start-erp", f"reports:data-source:{SOURCE.uri}"]
    assert {step.part for step in made.steps if step.id.startswith("reports:")} == {Part.REPORTS}
    changes = {change.key: change for change in made.steps[ids.index(acts[-1])].changes}
    assert changes["connectionUrl"].before == SOURCE.url
    assert changes["connectionUrl"].after.endswith("/openprod")
    assert changes["password"].after == "***"


def test_the_plan_shows_what_changes_in_files_of_the_reports_server_and_no_password() -> None:
    made = plan(request())
    (step,) = [s for s in made.steps if s.id == "reports:configuration:default_master.properties"]
    assert {(c.file, c.key, c.before) for c in step.changes} >= {
        ("reports/default_master.properties", "dbHost", "old")
    }
    assert "s3cret-of-production" not in repr(made)
    (keystore,) = [s for s in made.steps if s.id == "reports:configuration:jrsks"]
    assert keystore.kind is StepKind.CONFIGURATION and keystore.changes == ()


def test_a_data_source_of_another_database_is_left_alone() -> None:
    assert not any("/sources/other" in step.id for step in plan(request()).steps)


def test_another_keystore_is_refused() -> None:
    with pytest.raises(RefusedError, match="not the one that encrypted the passwords") as caught:
        plan(request(b"another"))
    assert "restore both from one generation" in caught.value.hint


def test_a_missing_keystore_is_refused() -> None:
    wanted = request()
    with pytest.raises(RefusedError, match="no keystore file jrsks"):
        plan(replace(wanted, texts=wanted.texts[1:]))


def test_an_environment_without_a_reports_server_is_refused() -> None:
    wanted = request()
    with pytest.raises(RefusedError, match="the environment has none"):
        plan(replace(wanted, target=replace(wanted.target, reports=None)))


def test_differences_of_the_reports_half_have_keys_of_their_own() -> None:
    wanted = request()
    old = ServerFacts("15.4", 150004, None, None)
    facts = replace(wanted.facts, reports=EnvironmentFacts(old, old, "7.2.0"))
    with pytest.raises(RefusedError, match=r"reports/postgresql\.major"):
        plan(replace(wanted, facts=facts))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("jdbc:postgresql://db:5433/erp?ssl=true", Address("db:5433", "erp")),
        ("jdbc:postgresql://10.0.0.5/erp", Address("10.0.0.5:5432", "erp")),
        ("jdbc:mysql://db/erp", None),
        ("", None),
    ],
)
def test_what_a_jdbc_url_names(url: str, address: Address | None) -> None:
    assert address_of(url) == address


PROPERTIES = "# a=1\n a = 1 \r\nb:2\nc\n"


def test_properties_are_changed_in_place() -> None:
    assert properties_value(PROPERTIES, "a") == "1"
    assert properties_value(PROPERTIES, "b") == "2"
    assert properties_value(PROPERTIES, "c") is None
    assert set_properties_value(PROPERTIES, "b", "x") == "# a=1\n a = 1 \r\nb:x\nc\n"
    assert set_properties_value("a=1", "z", "9") == "a=1\nz=9\n"


@given(st.from_regex(r"[A-Za-z0-9/.\\&-]*", fullmatch=True))
def test_any_value_comes_back(value: str) -> None:
    for key in ("a", "b", "new"):
        assert properties_value(set_properties_value(PROPERTIES, key, value), key) == value


def test_files_are_held_against_the_index() -> None:
    entries = [FileEntry(name, 1, hashlib.sha256(name.encode()).hexdigest()) for name in "abc"]
    digests = {"a": hashlib.sha256(b"a").digest(), "b": b"\0" * 32, "stranger": b"\0" * 32}
    found = compare(entries, Tree(digests))
    assert found.status == "failed"
    assert found.observed == "3 files: 1 missing, 1 changed"
    assert found.details == ("b has another checksum than the backup", "c is missing")
    assert compare(entries[:1], Tree(digests)).status == "passed"


def test_a_copys_reports_server_is_neutralised_before_it_starts() -> None:
    wanted = replace(request(), purpose=Purpose.STAGING)
    steps = [step for step in plan(wanted).steps if step.part is Part.REPORTS]
    kinds = [step.kind for step in steps]
    place = kinds.index(StepKind.NEUTRALISE)
    assert steps[place].id == "reports:neutralise:jasperserver"
    assert kinds.index(StepKind.OPEN_DATABASE) < place < kinds.index(StepKind.START_ERP)
    assert "qrtz_triggers" in " ".join(steps[place].argv)
    assert StepKind.NEUTRALISE not in {step.kind for step in plan(request()).steps}


def test_a_copy_with_a_reports_server_that_no_rule_speaks_of_is_refused() -> None:
    assert PROFILE.reports is not None
    silent = replace(PROFILE.reports.server, neutralisation=None)
    profile = replace(PROFILE, reports=replace(PROFILE.reports, server=silent))
    wanted = replace(request(), profile=profile)
    assert plan(wanted).steps
    with pytest.raises(RefusedError, match="reports server is neutralised"):
        plan(replace(wanted, purpose=Purpose.STAGING))


def test_a_copys_reports_server_has_checks_and_files_of_its_own() -> None:
    ids = [one.id for one in foreseen_neutralised_checks(PROFILE)]
    assert len(ids) == len(set(ids))
    own = {one.removeprefix(OF_REPORTS) for one in ids if one.startswith(OF_REPORTS)}
    assert {"scheduled-reports", "report-mail", "uncovered", "configuration"} <= own
    copied = for_copies(PROFILE)
    assert copied.reports is not None
    (master,) = copied.reports.server.configuration_of(Role.ERP)[:1]
    assert dict(master.set)["quartz.mail.sender.host"] == "invalid"
    wrong = PROFILE.reports.server.neutralisation if PROFILE.reports else None
    assert wrong is not None
    renamed = replace(wrong, configuration=(("other.conf", ()),), rules=wrong.rules * 2)
    assert PROFILE.reports is not None
    server = replace(PROFILE.reports.server, neutralisation=renamed)
    profile = replace(PROFILE, reports=replace(PROFILE.reports, server=server))
    told = "\n".join(neutralisation_problems(profile))
    assert "neutralisation.reports.configuration: the reports server has no file other" in told
    assert "neutralisation.reports.rules: report-mail stands there 2 times" in told
