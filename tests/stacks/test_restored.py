"""The generation as a resource: when it is replayed, with what, and how it fails."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from restore.errors import RefusedError
from restore.model import Acceptance, Credentials, Selection
from restore.model.secret import Secret
from restore.runs import entry
from stacks import outputs
from stacks.restored import REPLAYED_INTO, Replay, blueprint_of
from tests.stacks.conftest import ANONYMISED, BLUEPRINT, STACK, Built, build, settings

CREDENTIALS = {"checkLogin": "drill", "checkPassword": "sesame"}


@pytest.fixture(scope="module")
def inputs() -> dict[str, Any]:
    """The resource's inputs, as Pulumi hands them to the provider."""
    told = settings(
        ("checkPassword",),
        accept='[{"difference": "postgresql.minor", "reason": "approved"}]',
        databases='["one"]',
        rtoBudget="15m",
        **CREDENTIALS,
    )
    return resource(build(told))


def resource(built: Built) -> dict[str, Any]:
    (found,) = built.of("RestoredGeneration").values()
    return {name: value for name, value in found.inputs.items() if name != "__provider"}


class Engine:
    """Stands in for the engine and notes what it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, verdict: str = "pass") -> None:
        self.asked: list[tuple[Any, entry.ReplayRequest]] = []
        self.verdict = verdict
        self.error: Exception | None = None
        monkeypatch.setattr(entry, "replay_outputs", self.replay)

    def replay(self, found: Any, request: entry.ReplayRequest) -> entry.ReplaySummary:
        self.asked.append((found, request))
        if self.error is not None:
            raise self.error
        return entry.ReplaySummary(
            verdict=self.verdict,
            generation=request.selection.generation,
            report="/r/report.html",
            message="documents.attachments: expected 12 files, observed 11",
        )


def test_another_purpose_is_replayed_for(inputs: dict[str, Any]) -> None:
    other = {**inputs, "environment": {**inputs["environment"], outputs.PURPOSE: "staging"}}
    assert Replay().diff("", inputs, other).changes
    assert not Replay().diff("", other, other).changes


def test_the_engine_is_asked_for_all_that_was_set(
    inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Engine(monkeypatch)

    result = Replay().create(inputs)

    ((found, request),) = asked.asked
    assert set(found) == {*outputs.ENVIRONMENT, outputs.PROXY_CONTAINER}
    assert request.selection == Selection(
        Path("/project/.pra/repository"), BLUEPRINT.generation, "odoo", ("one",)
    )
    assert request.credentials == Credentials("drill", Secret("sesame"))
    assert request.accepted == (Acceptance("postgresql.minor", "approved"),)
    assert (request.jobs, request.language, request.replace) == (2, "en", True)
    assert request.reports == Path("/project/.pra/reports")
    assert request.rto_budget == 900
    assert result.id == f"replayed-{STACK}"
    assert result.outs is not None
    assert (result.outs["verdict"], result.outs["report"]) == ("pass", "/r/report.html")


def test_without_a_password_there_are_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Engine(monkeypatch)
    Replay().create(resource(build(settings())))
    assert asked.asked[0][1].credentials is None


@pytest.mark.parametrize("verdict", ["fail", "unverifiable"])
def test_a_verdict_that_is_no_pass_fails_the_update(
    verdict: str, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Engine(monkeypatch, verdict)
    with pytest.raises(Exception, match=verdict) as caught:
        Replay().update("id", {}, inputs)
    assert "documents.attachments" in str(caught.value)
    assert "/r/report.html" in str(caught.value)


def test_a_refusal_is_told_with_its_hint(
    inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Engine(monkeypatch).error = RefusedError("PostgreSQL is older", "choose another image")
    with pytest.raises(Exception, match="PostgreSQL is older\nchoose another image"):
        Replay().create(inputs)


def test_an_unchanged_resource_is_not_replayed(inputs: dict[str, Any]) -> None:
    olds = {**inputs, "verdict": "pass", "report": "/r"}
    assert Replay().diff("id", olds, inputs).changes is False


@pytest.mark.parametrize("key", ["generation", "profile", "repository", "databases"])
def test_another_generation_is_replayed(key: str, inputs: dict[str, Any]) -> None:
    diff = Replay().diff("id", inputs, {**inputs, key: "another"})
    assert diff.changes is True
    assert not diff.replaces


@pytest.mark.parametrize("key", REPLAYED_INTO)
def test_a_new_server_or_password_is_replayed_into(key: str, inputs: dict[str, Any]) -> None:
    moved = {**inputs["environment"], key: "another"}
    assert Replay().diff("id", inputs, {**inputs, "environment": moved}).changes is True


@pytest.mark.parametrize("key", ["jobs", "reports", "language", "checkPassword", "accept"])
def test_how_it_is_judged_does_not_replay_what_passed(key: str, inputs: dict[str, Any]) -> None:
    assert Replay().diff("id", inputs, {**inputs, key: "another"}).changes is False


def test_a_new_port_of_the_proxy_is_no_reason_to_replay(inputs: dict[str, Any]) -> None:
    moved = {**inputs["environment"], outputs.ERP_URL: "http://127.0.0.1:1"}
    assert Replay().diff("id", inputs, {**inputs, "environment": moved}).changes is False


def test_an_environment_that_is_not_known_yet_will_be_replayed_into(
    inputs: dict[str, Any],
) -> None:
    assert Replay().diff("id", inputs, {**inputs, "environment": "unknown"}).changes is True


def test_destroying_touches_nothing(inputs: dict[str, Any]) -> None:
    Replay().delete("id", inputs)


def test_the_serialised_provider_holds_no_secret() -> None:
    told = settings(("checkPassword", "anonymisationKey"), **CREDENTIALS, **ANONYMISED)
    (found,) = build(told).of("RestoredGeneration").values()
    provider = base64.b64decode(found.inputs["__provider"])
    assert b"sesame" not in provider and b"long enough" not in provider
    assert {"anonymisationKey", "checkPassword", "environment"} <= found.secret


def test_a_copy_is_anonymised_by_the_rules_and_the_key_that_were_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Engine(monkeypatch)
    told = settings(("anonymisationKey",), **ANONYMISED)
    props = resource(build(told))

    Replay().create(props)

    wanted = asked.asked[0][1].anonymisation
    assert wanted is not None
    assert (wanted.rules.name, wanted.key) == ("odoo-14", Secret("a key, long enough"))
    for changed in ({"anonymise": "other.yaml"}, {"anonymisationKey": "another one, as long"}):
        assert Replay().diff("id", props, {**props, **changed}).changes is True
    # A stack that an engine made which knew nothing of it is not replayed for that.
    plain = resource(build(settings()))
    older = {name: value for name, value in plain.items() if not name.startswith("anonymis")}
    assert Replay().diff("id", older, plain).changes is False


def test_rules_that_are_not_there_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    Engine(monkeypatch)
    told = settings(("anonymisationKey",), **{**ANONYMISED, "anonymise": "none.yaml"})
    with pytest.raises(Exception, match=r"rules /project/none.yaml do not exist"):
        Replay().create(resource(build(told)))


def test_a_stack_that_does_not_replay_has_no_such_resource() -> None:
    assert not build(settings(replay="false")).of("RestoredGeneration")


def test_the_blueprint_is_the_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def blueprint(*args: Any) -> Any:
        asked.append(args)
        return BLUEPRINT

    monkeypatch.setattr(entry, "blueprint", blueprint)
    told = settings(erpImage="odoo:14.0")

    assert blueprint_of(told) == BLUEPRINT
    assert asked[0][:2] == (told.selection, entry.StackOverrides(told.images))
