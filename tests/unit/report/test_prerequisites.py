"""The prerequisites say what profile, plan and engine do: none can change without the others."""

from __future__ import annotations

import inspect
import re
import shlex
import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.adapters.postgres import commands
from restore.capture import artifacts, scratch
from restore.checks import check_ids, foreseen_checks
from restore.cli.main import load_verb, pra
from restore.errors import RefusedError, UsageError
from restore.model import ArtifactKind, EnvironmentFacts, LocalText, ReportsFacts, Role, StepKind
from restore.plan.disk import LEAST_MARGIN, disk_need
from restore.plan.planning import plan
from restore.plan.request import LATER, PlanRequest, foreseen_target
from restore.profile import OperationKind, PostOperation, Profile, load_profile
from restore.report.language import catalogue
from restore.report.prerequisites.backup import SYSTEM_USER, export_commands
from restore.report.prerequisites.composition import compose
from restore.report.prerequisites.composition import document_words as words
from restore.report.prerequisites.document import (
    Commands,
    Document,
    Paragraph,
    Section,
    Table,
    Tone,
    breakable,
    shell_text,
)
from restore.report.prerequisites.facts import Prerequisites, is_drill_of
from stacks.network import addresses
from stacks.outputs import REPOSITORY_PATH
from stacks.settings import Place, default_subnet, parse
from tests.support.prerequisites import CERTIFICATE, SAMPLES, furnished, sample, stack_facts
from tests.support.report_samples import early, failed, passed

Make = Callable[..., Prerequisites]
CAPTURE = (artifacts, scratch)
ROOT = Path(__file__).resolve().parents[3]
LANGUAGES = ("en", "fr")


def with_reports(given_: Prerequisites) -> Prerequisites:
    """The same with a reports server beside the ERP, which is like it in all."""
    fingerprint = given_.generation.fingerprint
    reports = ReportsFacts(replace(fingerprint, proxy=None), (), (), ())
    return replace(
        given_,
        profile=replace(given_.profile, reports=load_profile("openprod").reports),
        generation=replace(given_.generation, fingerprint=replace(fingerprint, reports=reports)),
        blueprint=replace(given_.blueprint, reports=given_.blueprint),
    )


def walk(document: Document) -> Iterator[Section]:
    """Every section, in reading order."""
    for section in document.sections:
        yield from (section, *section.sections)


def section_of(document: Document, identifier: str) -> Section:
    """The section of that id."""
    return next(section for section in walk(document) if section.id == identifier)


def argvs(document: Document, section: str) -> tuple[tuple[str, ...], ...]:
    """The commands that a section shows."""
    blocks = section_of(document, section).blocks
    return tuple(c.argv for b in blocks if isinstance(b, Commands) for c in b.commands)


def rows(document: Document, section: str, table: int = 0) -> tuple[tuple[str, ...], ...]:
    """The rows of a section's table."""
    tables = [block for block in section_of(document, section).blocks if isinstance(block, Table)]
    return tables[table].rows


def paragraphs(document: Document, section: str) -> str:
    """The texts of a section."""
    blocks = section_of(document, section).blocks
    return "\n".join(block.text for block in blocks if isinstance(block, Paragraph))


def strings(value: object) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from strings(item)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from strings(getattr(value, name))


# The catalogues


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_languages_have_the_same_keys_and_placeholders() -> None:
    english, french = catalogue("prerequisites.en.yaml"), catalogue("prerequisites.fr.yaml")
    assert english.keys() == french.keys()
    for key, text in english.items():
        assert placeholders(text) == placeholders(french[key]), key
        assert text.count("`") == french[key].count("`"), key


def test_every_message_is_used(make_prerequisites: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()

    class Recording(dict[str, str]):
        def __getitem__(self, key: str) -> str:
            asked.add(key)
            return super().__getitem__(key)

    own = catalogue("prerequisites.en.yaml")
    recording = replace(words("en"), messages=Recording(words("en").messages))
    monkeypatch.setattr(
        "restore.report.prerequisites.composition.document_words", lambda _language: recording
    )
    accepting = stack_facts(
        {"accept": '[{"difference": "postgresql.minor", "reason": "tested"}]', "jobs": "1",
         "erpImage": "odoo:14.0"}
    )  # fmt: skip
    for parts in ({}, {"stack": accepting, "last": failed()}, {"last": passed()}):
        compose(make_prerequisites(**parts), "en")
    unverifiable = replace(passed(), verdict=type(passed().verdict)("unverifiable"))
    compose(make_prerequisites(last=unverifiable), "en")
    given = make_prerequisites()
    artifacts = given.generation.artifacts
    keystore = replace(artifacts[0], name="keystore", kind=ArtifactKind.KEYSTORE)
    held = replace(given.generation, artifacts=(*artifacts, keystore))
    compose(replace(given, generation=held), "en")
    compose(replace(given, profile=replace(given.profile, post_operations=())), "en")
    plain = tuple(
        replace(step, argv=("psql", "--file=-")) if step.kind is StepKind.RESTORE_DATABASE else step
        for step in given.plan.steps
    )
    compose(replace(given, plan=replace(given.plan, steps=plain)), "en")
    for days in (-1, 10, 100):
        until = given.issued + timedelta(days=days)
        complete = furnished(held, replace(CERTIFICATE, not_after=until))
        compose(with_reports(replace(given, generation=complete)), "en")
    compose(make_prerequisites(stack=stack_facts({"certificate": "own.pem"})), "en")
    unset = {"doc.unknown", "doc.none", "highlight.unmeasured"}
    assert own.keys() - asked - unset == set()


def test_french_has_its_spaces() -> None:
    text = words("fr").text("doc.subtitle", title="Odoo", databases="a")
    assert text == "Odoo\N{NO-BREAK SPACE}: a"
    for value in words("fr").messages.values():
        assert not re.search(r"(?<!\w\w) [;!?»]", value), value


def test_there_is_no_third_language(make_prerequisites: Make) -> None:
    with pytest.raises(UsageError, match="'es'"):
        compose(make_prerequisites(), "es")


# The document says what the engine does


@pytest.mark.parametrize("language", LANGUAGES)
def test_commands_and_steps_are_those_of_the_plan(make_prerequisites: Make, language: str) -> None:
    given_ = make_prerequisites(stack=stack_facts({}))
    document = compose(given_, language)
    texts_of_plan = plan(
        PlanRequest(
            generation=given_.generation,
            profile=given_.profile,
            texts=(),
            facts=_facts(given_),
            target=foreseen_target("any", given_.blueprint, REPOSITORY_PATH),
            jobs=2,
        )
    )
    drilled = [step for step in texts_of_plan.steps if step.argv]
    # What only the stack will know is said in the document's language, and nothing else.
    later = words(language).phrase(LATER)
    assert argvs(document, "commands") == tuple(
        tuple(word.replace(LATER, later) for word in step.argv) for step in drilled
    )
    shown = rows(document, "steps")
    assert [row[2] for row in shown] == [step.target for step in texts_of_plan.steps]
    locale = words(language)
    assert [row[1] for row in shown] == [locale.phrase(s.title) for s in texts_of_plan.steps]


def _facts(given_: Prerequisites) -> EnvironmentFacts:
    fingerprint = given_.generation.fingerprint
    return EnvironmentFacts(fingerprint.postgresql, fingerprint.erp, fingerprint.erp_series)


def test_every_change_of_configuration_is_told(make_prerequisites: Make) -> None:
    given_ = make_prerequisites()
    document = compose(given_)
    told = {row[1] for row in rows(document, "changes")}
    told |= set(re.findall(r"`([^`]+)`", paragraphs(document, "changes")))
    changes = [*given_.blueprint.changes, *(c for s in given_.plan.steps for c in s.changes)]
    assert changes and told >= {change.key for change in changes}
    assert "pw-of-production" not in "\n".join(strings(document))
    database = next(row for row in rows(document, "changes") if row[1] == "db_host")
    assert database[3] == "`10.20.30.2`"


def test_checks_are_those_that_a_replay_runs(make_prerequisites: Make) -> None:
    given_ = make_prerequisites()
    ids = check_ids(given_.profile, given_.plan.databases)
    assert [row[2] for row in rows(compose(given_), "checks")] == list(ids)
    checks = foreseen_checks(
        given_.profile, given_.plan.databases, given_.generation, erp_role="odoo"
    )
    assert all(check.title != check.id and check.expected for check in checks)


def test_checks_read_french(make_prerequisites: Make) -> None:
    english = rows(compose(make_prerequisites(), "en"), "checks")
    french = rows(compose(make_prerequisites(), "fr"), "checks")
    same = [one[0] for one, other in zip(english, french, strict=True) if one[0] == other[0]]
    assert same == ["Extensions"]


def test_exports_are_the_commands_that_a_capture_builds(make_prerequisites: Make) -> None:
    given_ = make_prerequisites()
    shown = argvs(compose(given_), "export")
    exports = [item.argv for item in export_commands(given_, words("en"))]
    assert list(shown[1:-1]) == exports
    superuser = given_.profile.database.superuser
    database = given_.plan.databases[0]
    request = commands.DumpRequest(database, "DUMP_FOLDER", superuser, 2, "SNAPSHOT")
    assert commands.dump_database(request) in shown
    assert commands.dump_roles(superuser) in shown
    # A builder that a capture begins to use must come into the document, too.
    used = set(re.findall(r"\bcommands\.([a-z]\w+)\(", "".join(map(inspect.getsource, CAPTURE))))
    assert used == {"dump_database", "list_dump", "dump_roles", "query", "literal"}
    assert SYSTEM_USER == scratch.SYSTEM_USER


def test_commands_of_pra_are_complete(make_prerequisites: Make) -> None:
    document = compose(make_prerequisites())
    own = [
        c.argv
        for section in walk(document)
        for block in section.blocks
        if isinstance(block, Commands)
        for c in block.commands
        if c.argv[0] == "pra"
    ]
    assert {argv[1] for argv in own} == {"prerequisites", "capture", "verify", "drill", "restore"}
    for argv in own:
        command = load_verb(argv[1])
        # Under its program, as when it runs: a command keeps what its first context says.
        program = click.Context(pra, **pra.context_settings)
        context = command.make_context(argv[1], list(argv[2:]), program)
        assert not context.args
        required = {p.name for p in command.params if p.required}
        assert all(context.params[name] is not None for name in required)


def test_locations_are_those_of_generation_and_profile(make_prerequisites: Make) -> None:
    given_ = make_prerequisites()
    document = compose(given_)
    shown = {(row[0], row[2], row[3]) for row in rows(document, "perimeter")}
    assert shown == {(a.name, a.location, a.folder) for a in given_.generation.artifacts}
    paths = {row[2] for row in rows(document, "export")}
    folders = {tree.path.format(database="specibike_prod") for tree in given_.profile.documents}
    assert paths >= folders
    assert given_.profile.database.data in paragraphs(document, "perimeter")


def test_versions_images_and_volumes_are_the_fingerprint_s(make_prerequisites: Make) -> None:
    given_ = make_prerequisites()
    document, fingerprint = compose(given_), given_.generation.fingerprint
    required = {row[0]: row[1] for row in rows(document, "versions")}
    assert required["PostgreSQL"] == fingerprint.postgresql.version
    assert required[given_.profile.title] == fingerprint.erp.version
    assert required["Extension plpgsql"] == "1.0"
    images = [row[1] for row in rows(document, "servers")]
    blueprint = given_.blueprint
    assert images == [blueprint.database.image, blueprint.erp.image, blueprint.proxy_image]
    *measured, total = rows(document, "volumes")
    files = {row[0]: row[2] for row in measured}
    assert files == {a.name: str(a.files) for a in given_.generation.artifacts}
    assert total[3] == words("en").size(given_.generation.bytes)


def test_disk_is_the_sum_of_its_parts(make_prerequisites: Make) -> None:
    generation = make_prerequisites().generation
    need = disk_need(generation, ("specibike_prod",))
    documents = sum(a.bytes for a in generation.artifacts_of(ArtifactKind.DOCUMENTS))
    assert (need.generation, need.databases, need.documents) == (
        generation.bytes, 61_000_000, documents,
    )  # fmt: skip
    assert need.margin == LEAST_MARGIN
    assert need.total == generation.bytes + 61_000_000 + documents + LEAST_MARGIN
    assert need.replacing == need.total + 61_000_000 + documents
    large = replace(need, databases=10**12)
    assert large.margin == round(0.3 * (large.generation + 10**12 + documents))
    assert disk_need(generation, ()).databases == 0


# The stack's settings


def test_environment_is_what_the_stack_would_make(make_prerequisites: Make) -> None:
    settings = parse({"generation": "latest"}, (), Place("drill", Path("/srv")))
    where = addresses(settings.subnet)
    document = compose(make_prerequisites(stack=stack_facts({})))
    assert [row[1] for row in rows(document, "network")] == [
        where.gateway, where.database, where.erp, where.proxy,
    ]  # fmt: skip
    assert str(default_subnet("drill")) in paragraphs(document, "network")
    assert "pra:subnet" in paragraphs(document, "network")

    fixed = compose(make_prerequisites())
    assert [row[1] for row in rows(fixed, "network")][1] == "10.20.30.2"
    assert "https://erp-rescue.example.org" in paragraphs(fixed, "network")
    assert rows(fixed, "sizing")[1] == ("ERP", "1,536 MiB", "1.5", "–")


def test_production_s_servers_certificate_and_url(make_prerequisites: Make) -> None:
    given_ = make_prerequisites()
    document = compose(with_reports(replace(given_, generation=furnished(given_.generation))), "fr")
    assert [row[3] for row in rows(document, "network")] == [
        "", "192.168.10.5", "192.168.10.6", "192.168.10.7", "192.168.10.5", "192.168.10.6",
    ]  # fmt: skip
    assert "https://erp.example.org" in paragraphs(document, "network")
    assert [row[0] for row in rows(document, "sizing", 1)] == [
        "Base de données", "ERP", "Mandataire inverse", "Base du serveur d’éditions",
        "Serveur d’éditions",
    ]  # fmt: skip
    assert rows(document, "sizing", 1)[0][2] == "4"
    assert ("Émis par", "CN=Example Issuing CA") in rows(document, "certificate")
    assert "15 janvier 2027" in paragraphs(document, "certificate")
    titles = [row[0] for row in rows(document, "versions")]
    assert "JasperReports Server" in titles and "Système (Mandataire inverse)" in titles
    assert len(rows(document, "servers")) == 5
    (capture, *_) = argvs(document, "export")
    assert "--proxy-container=PROXY_CONTAINER" in capture
    assert "--reports-container=REPORTS_CONTAINER" in capture
    assert ("certificate", "Mandataire inverse", "/etc/nginx/ssl/erp.pem") in rows(
        document, "export"
    )


def test_an_expired_certificate_stands_out(make_prerequisites: Make) -> None:
    given_ = make_prerequisites()
    old = replace(CERTIFICATE, not_after=given_.issued - timedelta(days=1))
    document = compose(replace(given_, generation=furnished(given_.generation, old)), "en")
    (bad,) = [
        block
        for block in section_of(document, "certificate").blocks
        if isinstance(block, Paragraph) and block.tone is Tone.BAD
    ]
    assert "It expired on" in bad.text


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(UsageError, match="subnet"):
        stack_facts({"subnet": "8.8.8.0/24"})


def test_accepted_differences_are_told_and_given_to_the_commands(
    make_prerequisites: Make,
) -> None:
    accepted = '[{"difference": "postgresql.minor", "reason": "same major"}]'
    document = compose(make_prerequisites(stack=stack_facts({"accept": accepted})))
    assert rows(document, "accepted") == (("postgresql.minor", "same major"),)
    assert "--accept=postgresql.minor" in argvs(document, "restore")[0]


def test_a_series_that_the_profile_does_not_know_is_refused(make_prerequisites: Make) -> None:
    profile = load_profile("odoo")
    other = replace(profile, erp=replace(profile.erp, series=("19.0",)))
    with pytest.raises(RefusedError, match=r"14\.0"):
        make_prerequisites(profile=other)


# A change changes the document


def _other_path(profile: Profile) -> Profile:
    tree = replace(profile.documents[0], path="/srv/erp/{database}")
    return replace(profile, documents=(tree,))


def _other_superuser(profile: Profile) -> Profile:
    return replace(profile, database=replace(profile.database, superuser="dba"))


def _other_web(profile: Profile) -> Profile:
    steps = (*profile.web.steps, replace(profile.web.steps[0], name="print"))
    return replace(profile, web=replace(profile.web, steps=steps))


def _other_value(profile: Profile) -> Profile:
    files = tuple(
        replace(file, set=(*file.set, ("limit_time_cpu", "600")))
        if file.server is Role.ERP
        else file
        for file in profile.configuration
    )
    return replace(profile, configuration=files)


@pytest.mark.parametrize(
    ("change", "section", "text"),
    [
        (_other_path, "steps", "/srv/erp/specibike_prod"),
        (_other_superuser, "export", "--username=dba"),
        (_other_superuser, "commands", "--username=dba"),
        (_other_web, "checks", "web.scenario:print"),
        (_other_value, "changes", "limit_time_cpu"),
        (_other_value, "post", "limit_time_cpu = 600"),
    ],
)
def test_a_changed_profile_changes_the_document(
    make_prerequisites: Make, change: Callable[[Profile], Profile], section: str, text: str
) -> None:
    before = section_of(compose(make_prerequisites()), section)
    after = section_of(compose(make_prerequisites(profile=change(load_profile("odoo")))), section)
    assert text not in "\n".join(strings(before))
    assert text in "\n".join(strings(after))


def test_operations_of_the_profile_are_listed(make_prerequisites: Make) -> None:
    given_ = make_prerequisites()
    mail = PostOperation(
        "mail",
        LocalText("Route mail again", "Router les courriels"),
        LocalText("IT of the client"),
        OperationKind.MANUAL,
        LocalText("Ask the relay.", "Demander au relais."),
    )
    changed = replace(given_, profile=replace(given_.profile, post_operations=(mail,)))
    last = rows(compose(changed), "post")[-1][1:]
    assert last == ("Route mail again. Ask the relay.", "IT of the client")
    last = rows(compose(changed, "fr"), "post")[-1][1:]
    assert last == ("Router les courriels. Demander au relais.", "IT of the client")


# The last drill


def test_the_last_drill_is_told(make_prerequisites: Make) -> None:
    document = compose(make_prerequisites(last=passed()))
    told = {row[0]: row[1] for row in rows(document, "last")}
    assert told["RTO, from the drill's start to its last check"] == words("en").duration(43.1)
    assert [fact.value for fact in document.highlights][:2] == ["Pass", words("en").duration(43.1)]
    assert "another generation" in paragraphs(document, "last")


def test_a_failed_drill_is_a_warning_with_its_checks(make_prerequisites: Make) -> None:
    blocks = section_of(compose(make_prerequisites(last=failed())), "last").blocks
    assert isinstance(blocks[0], Paragraph) and blocks[0].tone is Tone.BAD
    assert "2 missing" in "\n".join(strings(blocks))


@pytest.mark.parametrize(("language", "text"), [("en", "Never drilled"), ("fr", "Jamais exercé")])
def test_never_drilled_is_said_plainly(make_prerequisites: Make, language: str, text: str) -> None:
    document = compose(make_prerequisites(), language)
    (only,) = section_of(document, "last").blocks
    assert isinstance(only, Paragraph) and only.tone is Tone.BAD and only.text.startswith(text)
    assert document.highlights[0].value.lower() == text.lower()


def test_a_drill_of_another_installation_is_none(make_prerequisites: Make) -> None:
    generation, report = make_prerequisites().generation, passed()
    assert report.generation is not None
    assert is_drill_of(report, generation)
    assert not is_drill_of(early(), generation)
    assert not is_drill_of(replace(report, command="pra restore"), generation)
    other = replace(report.generation, profile="tryton")
    assert not is_drill_of(replace(report, generation=other), generation)
    fingerprint = report.generation.fingerprint
    theirs = replace(fingerprint, databases=(replace(fingerprint.databases[0], name="theirs"),))
    other = replace(report.generation, fingerprint=theirs)
    assert not is_drill_of(replace(report, generation=other), generation)


# Texts


@given(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=60), min_size=1))
def test_a_shell_reads_the_command_that_is_shown(argv: list[str]) -> None:
    shown = shell_text(tuple(argv))
    assert shlex.split(shown.replace(" \\\n  ", " ")) == argv


def test_commands_are_quoted_as_people_would() -> None:
    assert shell_text(("pra", "--client=Specibike SAS")) == "pra --client='Specibike SAS'"
    shown = shell_text(("psql", """--command=COMMENT ON DATABASE "a" IS 'pra: 1'"""))
    assert shown == r'''psql --command="COMMENT ON DATABASE \"a\" IS 'pra: 1'"'''


@given(st.text())
def test_breaking_loses_nothing(text: str) -> None:
    assert "".join(breakable(text)) == text


@pytest.mark.parametrize("language", LANGUAGES)
def test_samples_are_up_to_date(tmp_path: Path, language: str) -> None:
    path = SAMPLES / f"prerequisites.{language}.md"
    made = sample(tmp_path, language)
    assert path.read_text(encoding="utf-8") == made, "run: python -m tests.support.prerequisites"


def test_the_memory_is_that_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert (
        "4 GB of memory" in readme
        and "4 GB of memory" in catalogue("prerequisites.en.yaml")["sizing.intro"]
    )


def test_the_command_has_examples() -> None:
    command = load_verb("prerequisites")
    assert "Examples" in command.get_help(click.Context(command))
