"""Plans: the golden ones, and every reason for which there is none."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.plans.cases import FOLDER, ID, PASSWORD, cases, database, request
from restore.errors import ExitCode, RefusedError, UsageError
from restore.model import Acceptance, ArtifactKind, Purpose, Role, StepKind
from restore.model.node_records import MARK
from restore.plan.planning import plan
from restore.plan.request import (
    ExistingDatabase,
    PlanRequest,
    is_ours,
    staging_folder,
    temporary_name,
    with_begun,
)
from restore.plan.text import describe_plan, plan_document, plan_to_json
from restore.replay.replay import lanes_of

CASES = cases()


def existing(*databases: ExistingDatabase, **changes: Any) -> PlanRequest:
    plain = request()
    return replace(plain, target=replace(plain.target, existing=databases), **changes)


def without(kind: ArtifactKind, name: str | None = None) -> PlanRequest:
    plain = request("a", "b")
    gone = plain.generation.artifacts_of(kind, name)
    kept = tuple(item for item in plain.generation.artifacts if item not in gone)
    return replace(plain, generation=replace(plain.generation, artifacts=kept))


def refusal(wanted: PlanRequest) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        plan(wanted)
    assert caught.value.exit_code is ExitCode.REFUSED
    return caught.value


@pytest.mark.parametrize("name", CASES)
def test_golden_plans(name: Any) -> None:
    """A plan that differs on purpose is written anew by ``python -m fixtures.plans``."""
    assert plan_to_json(plan(CASES[name])) == (FOLDER / f"{name}.json").read_text("utf-8")


def test_there_is_no_golden_plan_of_a_case_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_no_plan_holds_a_secret(name: Any) -> None:
    made = plan(CASES[name])
    for text in (plan_to_json(made), "\n".join(describe_plan(made)), repr(made)):
        assert PASSWORD not in text
    assert json.loads(plan_to_json(made)) == json.loads(json.dumps(plan_document(made)))


ANONYMISING = (StepKind.ANONYMISE, StepKind.ANONYMISE_DOCUMENTS)


@pytest.mark.parametrize("name", CASES)
def test_nothing_final_changes_before_all_is_made_and_checked(name: Any) -> None:
    steps = plan(CASES[name]).steps
    beside = (
        StepKind.BEGIN_NODE,
        StepKind.COMPLETE_NODE,
        StepKind.POST_OPERATION,
        StepKind.STATISTICS,
    )
    kinds = [step.kind for step in steps if step.kind not in beside]
    assert kinds[0] is StepKind.STOP_ERP
    assert kinds[-1] is StepKind.START_ERP
    first = kinds.index(StepKind.PROMOTE_DATABASE)
    promotions = [
        StepKind.PROMOTE_DATABASE,
        StepKind.PROMOTE_DOCUMENTS,
        StepKind.CONFIGURATION,
        StepKind.OPEN_DATABASE,
    ]
    # A copy is made safe once all is in place, and before anything of the ERP runs.
    safe = [kind for kind in (StepKind.NEUTRALISE, *ANONYMISING) if kind in kinds]
    assert (StepKind.NEUTRALISE in safe) == (CASES[name].purpose is Purpose.STAGING)
    # A database is closed as it gets its name, and opened when all that belongs to it is there.
    assert list(dict.fromkeys(kinds[first:-1])) == [*promotions, *safe]
    assert not set(promotions) & set(kinds[:first])
    final = set(plan(CASES[name]).databases)
    early = (StepKind.CREATE_DATABASE, StepKind.RESTORE_DATABASE, StepKind.ANALYZE)
    assert not final & {step.target for step in steps if step.kind in early}


@pytest.mark.parametrize("name", CASES)
def test_step_ids_are_unique_and_say_what_they_are(name: Any) -> None:
    steps = plan(CASES[name]).steps
    assert len({step.id for step in steps}) == len(steps)
    assert all(step.id.split(":")[0] == step.kind.value for step in steps)


def test_commands_read_the_generation_where_the_container_sees_it() -> None:
    (step,) = [s for s in plan(request()).steps if s.kind is StepKind.RESTORE_DATABASE]
    assert step.argv[-1] == f"/srv/repository/generations/{ID}/database/specibike_prod"
    assert step.source == "database/specibike_prod"
    assert f"--dbname={step.target}" in step.argv


def test_documents_are_made_beside_their_target() -> None:
    (step,) = [s for s in plan(request()).steps if s.kind is StepKind.DOCUMENTS]
    assert step.target == "/var/lib/odoo/filestore/specibike_prod"
    assert step.staging == "/var/lib/odoo/filestore/.specibike_prod.pra-0a1b2c"
    (promotion,) = [s for s in plan(request()).steps if s.kind is StepKind.PROMOTE_DOCUMENTS]
    assert (promotion.staging, promotion.target) == (step.staging, step.target)


def test_a_plan_knows_its_size() -> None:
    made = plan(request())
    assert made.bytes == request().generation.bytes - 10_240  # the configuration is small change


def test_lines_for_people() -> None:
    lines = describe_plan(plan(CASES["one-database"]))
    assert lines[0] == f"Generation {ID} (profile odoo) into drill"
    assert " 1. Stop the ERP server" in lines
    assert " 4. Restore database specibike_prod (4.7 MiB)" in lines
    assert "      db_host: 10.20.0.5 → 172.30.0.10" in lines
    assert "      db_name: (absent) → specibike_prod" in lines
    assert "      logfile: /var/log/odoo/odoo-server.log → (empty)" in lines


# --- names ----------------------------------------------------------------------------------------


def test_temporary_names_are_short_enough_and_stay_different() -> None:
    assert temporary_name("specibike_prod", ID) == "specibike_prod__pra_0a1b2c"
    one, other = "é" * 31 + "a", "é" * 31 + "b"
    names = {temporary_name(name, ID) for name in (one, other)}
    assert len(names) == 2
    assert all(len(name.encode()) <= 63 for name in names)


@given(st.text(min_size=1, max_size=63))
def test_temporary_names_fit_whatever_the_name(name: str) -> None:
    made = temporary_name(name, ID)
    assert len(made.encode("utf-8", "surrogatepass")) <= 63
    assert made.endswith("__pra_0a1b2c")


def test_staging_folder_of_a_folder_with_a_slash() -> None:
    assert staging_folder("/a/b/", ID) == "/a/.b.pra-0a1b2c"


@pytest.mark.parametrize(
    ("comment", "ours"), [(MARK + ID, True), ("production", False), ("", False), (None, False)]
)
def test_a_database_of_ours_is_known_by_its_comment(comment: Any, ours: bool) -> None:
    assert is_ours(comment) is ours


# --- refusals -------------------------------------------------------------------------------------


def test_blocking_differences_are_all_named_with_the_way_to_accept_them() -> None:
    plain = request()
    facts = replace(plain.facts, modules=(), encodings=())
    error = refusal(replace(plain, facts=facts))
    for key in ("postgresql.encoding", "erp.module:base", "erp.module:sale"):
        assert f"{key}: expected" in error.message
        assert f'--accept {key} --reason "…"' in error.hint


def test_accepting_one_difference_does_not_accept_another() -> None:
    plain = request()
    wanted = replace(
        plain,
        facts=replace(plain.facts, modules=()),
        acceptances=(Acceptance("erp.module:sale", "gone"),),
    )
    error = refusal(wanted)
    assert "erp.module:base" in error.message
    assert "erp.module:sale" not in error.message


def test_an_acceptance_of_a_check_is_of_no_concern() -> None:
    wanted = replace(request(), acceptances=(Acceptance("documents.attachments", "known"),))
    assert plan(wanted).differences == ()


def test_a_series_that_the_profile_does_not_know_blocks() -> None:
    plain = request()
    fingerprint = replace(plain.generation.fingerprint, erp_series="19.0")
    wanted = replace(plain, generation=replace(plain.generation, fingerprint=fingerprint))
    assert "erp.series: expected 19.0, observed 14.0" in refusal(wanted).message


def test_differences_are_those_of_the_chosen_databases() -> None:
    plain = request("a", "b")
    crm = replace(database("b"), modules=(), extensions=(), collate="C", ctype="C")
    fingerprint = replace(plain.generation.fingerprint, databases=(database("a"), crm))
    wanted = replace(
        plain,
        generation=replace(plain.generation, fingerprint=fingerprint),
        facts=replace(plain.facts, modules=(), extensions=(), collations=()),
        databases=("b",),
    )
    assert plan(wanted).databases == ("b",)


def test_another_profile_is_refused() -> None:
    wanted = replace(request(), profile=replace(request().profile, name="tryton"))
    error = refusal(wanted)
    assert "made with profile odoo, not tryton" in error.message
    assert error.hint == "use --profile odoo"


def test_an_unknown_database_is_an_error_of_usage() -> None:
    with pytest.raises(UsageError, match="holds no database nothing") as caught:
        plan(replace(request(), databases=("nothing",)))
    assert "specibike_prod" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [
        (ArtifactKind.DATABASE, "a", "no dump of database a"),
        (ArtifactKind.DOCUMENTS, "b", "no documents filestore of database b"),
        (ArtifactKind.ROLES, None, "no roles"),
    ],
)
def test_a_generation_that_lacks_a_part_is_refused(
    kind: Any, name: str | None, reason: str
) -> None:
    error = refusal(without(kind, name))
    assert reason in error.message


def test_what_is_missing_for_a_database_that_is_not_asked_for_does_not_matter() -> None:
    wanted = replace(without(ArtifactKind.DATABASE, "a"), databases=("b",))
    assert plan(wanted).databases == ("b",)


def test_a_generation_without_databases_is_refused() -> None:
    plain = request()
    fingerprint = replace(plain.generation.fingerprint, databases=())
    wanted = replace(plain, generation=replace(plain.generation, fingerprint=fingerprint))
    assert "holds no database" in refusal(wanted).message


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../../etc", "a\0b"])
def test_a_name_that_would_leave_the_folder_of_documents_is_refused(name: str) -> None:
    assert "can't have a folder" in refusal(request(name)).message


def test_a_database_of_another_is_never_replaced_unasked() -> None:
    error = refusal(existing(ExistingDatabase("specibike_prod", ours=False)))
    assert "has a database specibike_prod already" in error.message
    assert "--replace" in error.hint


def test_other_databases_of_the_target_do_not_matter() -> None:
    assert plan(existing(ExistingDatabase("other", ours=False)))


@pytest.mark.parametrize("ours", [True, False])
def test_a_database_goes_aside_on_demand_only(ours: bool) -> None:
    there = ExistingDatabase("specibike_prod", ours=ours)
    assert "has a database specibike_prod already" in refusal(existing(there)).message
    made = plan(existing(there, replace=True))
    (step,) = [s for s in made.steps if s.kind is StepKind.PROMOTE_DATABASE]
    assert any(
        '"specibike_prod" RENAME TO "specibike_prod__pra_old_0a1b2c"' in w for w in step.argv
    )


def test_documents_without_their_database_are_replaced_on_demand_only() -> None:
    folder = "/var/lib/odoo/filestore/specibike_prod"
    plain = request()
    wanted = replace(plain, target=replace(plain.target, documents=(folder, "/srv/other")))
    error = refusal(wanted)
    assert f"has documents in {folder} already" in error.message
    assert "/srv/other" not in error.message
    assert "--replace" in error.hint
    assert plan(replace(wanted, replace=True))


def unfinished(begun: set[Role], *, closed: bool = True, ours: bool = True) -> PlanRequest:
    """What a replay left that was killed between its promotions and its end."""
    plain = request()
    there = ExistingDatabase("specibike_prod", ours=ours, generation=ID, closed=closed)
    documents = ("/var/lib/odoo/filestore/specibike_prod",)
    left = replace(plain.target, existing=(there,), documents=documents)
    return replace(plain, target=with_begun(left, frozenset(begun)))


def test_what_a_replay_left_closed_is_in_nobodys_way() -> None:
    assert plan(unfinished({Role.DATABASE, Role.ERP}))


@pytest.mark.parametrize(
    "wanted",
    [
        unfinished({Role.DATABASE, Role.ERP}, closed=False),
        unfinished({Role.DATABASE, Role.ERP}, ours=False),
        unfinished({Role.ERP}),
    ],
)
def test_what_people_may_have_worked_with_is_replaced_on_demand_only(wanted: Any) -> None:
    message = refusal(wanted).message
    assert "has a database specibike_prod already" in message
    assert "has documents in" in message
    assert plan(replace(wanted, replace=True))


def test_documents_that_a_replay_of_the_database_alone_found_are_replaced_on_demand_only() -> None:
    error = refusal(unfinished({Role.DATABASE}))
    assert "has documents in" in error.message
    assert "has a database" not in error.message


@pytest.mark.parametrize("infix", ["__pra_", "__pra_old_"])
def test_a_database_under_a_temporary_name_must_be_ours(infix: str) -> None:
    name = temporary_name("specibike_prod", ID, infix)
    assert plan(existing(ExistingDatabase(name, ours=True)))
    error = refusal(existing(ExistingDatabase(name, ours=False), replace=True))
    assert f"database {name} is in the way" in error.message


def test_every_reason_is_named_at_once() -> None:
    wanted = without(ArtifactKind.DATABASE, "a")
    wanted = replace(
        wanted,
        facts=replace(wanted.facts, modules=("base",)),
        target=replace(wanted.target, existing=(ExistingDatabase("b", ours=False),)),
    )
    message = refusal(wanted).message
    for reason in ("erp.module:sale", "no dump of database a", "has a database b already"):
        assert reason in message


def test_all_statistics_are_gathered_beside_the_start() -> None:
    groups = [
        [tuple(step.kind for step in lane) for lane in lanes]
        for lanes in lanes_of(plan(CASES["bulk"]).steps)
    ]
    assert [(StepKind.START_ERP,), (StepKind.STATISTICS,)] in groups
