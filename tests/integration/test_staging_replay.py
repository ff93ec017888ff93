"""A staging copy, replayed into real servers: safe before the ERP starts, and proved afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import pytest

from restore.checks import check_ids, run_checks
from restore.model import (
    CheckResult,
    CheckStatus,
    Credentials,
    LocalText,
    Purpose,
    StepStatus,
)
from restore.model.secret import Secret
from restore.plan.blueprint import configuration_texts
from restore.plan.configuration.files import decode
from restore.plan.neutralise import administrator, for_copies
from restore.profile import Neutralisation, NeutralisationAct, NeutralisationRule, Profile
from restore.replay.replay import replay
from restore.repository.folder import FolderRepository
from restore.runs.staging.safety import stop_unless_safe
from tests.support.servers import DatabaseLab, Scene, production_scene

pytestmark = pytest.mark.docker

DATABASE: Final = "specibike_prod"
OF_THE_COPY: Final = Credentials("admin", Secret("never in production's hands"))
ADMINISTRATOR: Final = administrator(OF_THE_COPY, b"0123456789abcdef")


@pytest.fixture
def copy(
    clean_lab: DatabaseLab, private_production: FolderRepository, odoo_profile: Profile
) -> Iterator[Scene]:
    """The fixtures' production and an empty environment for a copy of it."""
    with production_scene(
        clean_lab,
        private_production,
        for_copies(odoo_profile),
        purpose=Purpose.STAGING,
        administrator=ADMINISTRATOR,
    ) as scene:
        yield scene


def status_of(results: tuple[CheckResult, ...]) -> dict[str, CheckStatus]:
    return {check.id: check.status for check in results}


def test_a_copy_of_odoo_is_safe_and_one_that_is_not_is_stopped(copy: Scene) -> None:
    """One replay for all that is seen on it: it takes most of the time."""
    outcome = replay(copy.plan(purpose=Purpose.STAGING), copy.context)
    assert [(s.id, s.reason) for s in outcome.steps if s.status is not StepStatus.SUCCEEDED] == []

    results = run_checks(copy.context, OF_THE_COPY)
    found = status_of(results)
    safety = {key for key in found if key.startswith(("neutralised.", "isolation.", "web.scena"))}
    assert {key for key in safety if found[key] is not CheckStatus.PASSED} == set()
    own = {"neutralised.page", "neutralised.configuration", "neutralised.uncovered"}
    assert own | {"isolation.network"} <= safety
    assert set(check_ids(copy.context.profile, (DATABASE,), purpose=Purpose.STAGING)) <= {
        *found, *status_of(outcome.checks)
    }  # fmt: skip
    stop_unless_safe(copy.context, results)
    assert copy.context.runner.container(copy.erp).status == "running"

    # Production's password opens nothing; nor does anybody's else.
    production = status_of(run_checks(copy.context, Credentials("admin", Secret("admin"))))
    assert production["web.scenario:login"] is CheckStatus.FAILED
    ((others,),) = copy.lab.execute(
        "SELECT count(*) FROM res_users WHERE password <> '' AND login <> 'admin'", DATABASE
    )
    assert others == 0

    copy.lab.execute("UPDATE ir_cron SET active = true; DELETE FROM ir_ui_view WHERE key ="
                     " 'pra.staging_banner'", DATABASE)  # fmt: skip
    with_productions_master_password(copy)
    tampered = run_checks(copy.context, OF_THE_COPY)
    wrong = {key for key, one in status_of(tampered).items() if one is CheckStatus.FAILED}
    assert {
        "neutralised.scheduled-jobs",
        "neutralised.banner",
        "neutralised.configuration",
    } <= wrong
    (told,) = (one.details for one in tampered if one.id == "neutralised.configuration")
    assert "odoo.conf: admin_passwd is a secret of production's" in told
    stop_unless_safe(copy.context, tampered)
    assert copy.context.runner.container(copy.erp).status == "exited"


def with_productions_master_password(copy: Scene) -> None:
    """Put production's back, which the copy's file does not hold."""
    context = copy.context
    (captured,) = (
        one
        for one in configuration_texts(context.repository, context.generation, context.profile)
        if one.name == "odoo.conf"
    )
    (password,) = re.findall(r"^admin_passwd = (\S+)$", captured.text, re.MULTILINE)
    laid = decode(context.runner.read_file(copy.erp, "/etc/odoo/odoo.conf"))
    (own,) = re.findall(r"^admin_passwd = (\S+)$", laid, re.MULTILINE)
    assert re.fullmatch("[0-9a-f]{64}", own)
    edit = f"s/^admin_passwd = .*/admin_passwd = {password}/"
    context.runner.check(copy.erp, ("sed", "--in-place", edit, "/etc/odoo/odoo.conf"), user="root")


@pytest.mark.parametrize(
    ("sql", "proof", "reason"),
    [
        ("UPDATE res_partner SET name = name", "SELECT name FROM res_partner WHERE id = 3",
         "partners: partner 3"),
        ("UPDATE res_partner SET name = NULL", "SELECT 1 WHERE false",
         "neutralisation partners: null value"),
    ],
)  # fmt: skip
def test_a_copy_whose_proof_fails_never_starts(
    scene_of: Callable[..., Scene], sql: str, proof: str, reason: str
) -> None:
    scene = scene_of()
    act = NeutralisationAct(("res_partner.name",), (sql,), proof)
    nothing = NeutralisationAct(("a_module_s_table",), ("DELETE FROM a_module_s_table",), "SELECT")
    rules = Neutralisation((NeutralisationRule("partners", LocalText("x"), (nothing, act)),))
    profile = replace(scene.context.profile, neutralisation=rules)
    context = replace(
        scene.context, profile=profile, purpose=Purpose.STAGING, administrator=ADMINISTRATOR
    )
    scene = replace(scene, context=context)

    plan = scene.plan(purpose=Purpose.STAGING)
    outcome = replay(plan, context)

    ended = {step.id: step for step in outcome.steps}
    assert ended[f"neutralise:{scene.context.generation.fingerprint.databases[0].name}"].status is (
        StepStatus.FAILED
    )
    assert reason in next(s.reason for s in outcome.steps if s.status is StepStatus.FAILED)
    assert ended["start-erp"].status is StepStatus.SKIPPED
    assert context.runner.container(scene.erp).status != "running"
    assert OF_THE_COPY.password.reveal() not in repr((plan, outcome))


@pytest.mark.parametrize(("code", "status"), [(0, StepStatus.SUCCEEDED), (3, StepStatus.FAILED)])
def test_the_erps_own_command_runs_beside_it_with_its_configuration(
    scene_of: Callable[..., Scene], code: int, status: StepStatus
) -> None:
    """Nothing of the ERP itself runs for it: a helper has its files and its way to the database."""
    scene = scene_of()
    address = scene.context.environment.database.address
    script = (
        f"grep -q '^db_host = {address}$' /etc/odoo/odoo.conf"
        f" && exec 3<>/dev/tcp/{address}/5432 && echo $(id -un) {{database}} && exit {code}"
    )
    act = NeutralisationAct(("res_partner.name",), ("DELETE FROM res_partner WHERE false",), "x")
    rules = Neutralisation(
        (NeutralisationRule("partners", LocalText("x"), (replace(act, proof="SELECT LIMIT 0"),)),),
        command=("bash", "-c", script),
    )
    profile = replace(scene.context.profile, neutralisation=rules)
    context = replace(
        scene.context, profile=profile, purpose=Purpose.STAGING, administrator=ADMINISTRATOR
    )
    scene = replace(scene, context=context)

    outcome = replay(scene.plan(purpose=Purpose.STAGING), context)

    (ended,) = [step for step in outcome.steps if step.id.endswith(":command")]
    assert (ended.status, ended.reason if not code else "") == (status, "")
    name = context.generation.fingerprint.databases[0].name
    assert code == 0 or f"exited with 3:\nodoo {name}" in ended.reason
    after = {step.id: step.status for step in outcome.steps}[f"neutralise:{name}"]
    assert after is (StepStatus.SKIPPED if code else StepStatus.SUCCEEDED)
    helpers = context.runner.client.containers.list(
        all=True, filters={"label": [f"pra.stack={scene.lab.stack}", "pra.role=helper"]}
    )
    assert helpers == []
