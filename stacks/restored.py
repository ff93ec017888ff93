"""The generation, replayed: the resource that makes ``pulumi up`` alone a drill."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pulumi
from pulumi import dynamic

from restore.errors import RestoreError
from restore.model import Acceptance, Blueprint, Credentials, Selection, Verdict
from restore.model.secret import Secret
from stacks import outputs as names
from stacks.settings import Settings

if TYPE_CHECKING:
    from restore.runs.entry import ReplayRequest

REPLAYED_FOR: Final = (
    "generation",
    "profile",
    "repository",
    "databases",
    "anonymise",
    "anonymisationKey",
)
"""Inputs whose change means another replay."""

REPLAYED_INTO: Final = (
    names.DATABASE_CONTAINER,
    names.DATABASE_PASSWORD,
    names.ERP_CONTAINER,
    names.ERP_ROLE,
    names.ERP_ROLE_PASSWORD,
    names.REPORTS,
    names.PURPOSE,
)
"""Parts of the environment whose change means another replay: new servers know nothing of it."""


class Replay(dynamic.ResourceProvider):
    """Calls the engine, in Pulumi's provider process.

    It holds nothing: what it needs comes as inputs, whose secrets Pulumi encrypts. The engine is
    imported where it is used, so that the components can be tested without it. A stack's state
    names this class: it keeps its name and module.
    """

    serialize_as_secret_always = False

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Say whether the generation must be replayed (again)."""
        changed = any(olds.get(key) != news.get(key) for key in REPLAYED_FOR)
        before, after = olds.get("environment"), news.get("environment")
        if not isinstance(before, dict) or not isinstance(after, dict):
            return dynamic.DiffResult(changes=True)
        moved = any(before.get(key) != after.get(key) for key in REPLAYED_INTO)
        return dynamic.DiffResult(changes=changed or moved)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Replay and check.

        Raises:
            Exception: the verdict is no pass; tells verdict, failing checks and the report's path.
        """
        return dynamic.CreateResult(f"replayed-{props['stack']}", _replay(props))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """Replay and check again."""
        return dynamic.UpdateResult(_replay(news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Do nothing: what was replayed goes with the stack's volumes."""


@dataclass(frozen=True, slots=True)
class RestoredGenerationArgs:
    """What to replay, judged how, into which environment (``ErpEnvironment.outputs``)."""

    settings: Settings
    generation: str
    environment: Mapping[str, pulumi.Input[Any]]


class RestoredGeneration(dynamic.Resource, module="pra", name="RestoredGeneration"):
    """A generation replayed into the environment and checked.

    Another generation, new servers or new passwords replay again; otherwise nothing changes. A
    verdict other than pass fails the update.

    Outputs: ``verdict`` and ``report``, the path of the report.
    """

    verdict: pulumi.Output[str]
    report: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: RestoredGenerationArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        settings, selection = args.settings, args.settings.selection
        credentials, account = settings.credentials, settings.reports_account
        inputs: dict[str, Any] = {
            "stack": settings.stack,
            "generation": args.generation,
            "profile": selection.profile,
            "repository": str(selection.repository),
            "databases": list(selection.databases),
            "environment": dict(args.environment),
            "checkLogin": credentials.login if credentials else None,
            "checkPassword": _kept_secret(credentials.password if credentials else None),
            "reportsLogin": account.login if account else None,
            "reportsPassword": _kept_secret(account.password if account else None),
            "anonymise": settings.anonymise.rules if settings.anonymise else None,
            "anonymisationKey": _kept_secret(
                settings.anonymise.key if settings.anonymise else None
            ),
            "accept": [
                {"key": accepted.key, "reason": accepted.reason} for accepted in settings.accepted
            ],
            "jobs": settings.jobs or os.cpu_count() or 1,
            "replace": settings.replace,
            "reports": str(settings.reports),
            "language": settings.language,
            "rtoBudget": settings.rto_budget,
            "rpoBudget": settings.rpo_budget,
            "requireSigned": settings.require_signed,
            "verdict": None,
            "report": None,
        }
        secret = pulumi.ResourceOptions(
            additional_secret_outputs=[
                "anonymisationKey",
                "checkPassword",
                "environment",
                "reportsPassword",
            ]
        )
        merged = pulumi.ResourceOptions.merge(opts, secret)
        super().__init__(Replay(), name, inputs, merged)


def _kept_secret(secret: Secret | None) -> pulumi.Output[str] | None:
    return None if secret is None else pulumi.Output.secret(secret.reveal())


def blueprint_of(settings: Settings) -> Blueprint:
    """The environment that the settings' generation asks for.

    Raises:
        RestoreError: the repository, generation or profile can't be used.
    """
    from restore.runs import entry  # noqa: PLC0415

    overrides = entry.StackOverrides(
        settings.images,
        settings.certificate,
        settings.external_url,
        settings.plain,
        settings.placement.hosts,
    )
    return entry.blueprint(settings.selection, overrides, settings.accepted)


def _replay(props: dict[str, Any]) -> dict[str, Any]:
    """Replay what the inputs say and return the outputs."""
    from restore.runs import entry  # noqa: PLC0415

    try:
        summary = entry.replay_outputs(props["environment"], _request(props))
    except RestoreError as error:
        raise Exception(f"{error.message}\n{error.hint}".strip()) from error
    if summary.verdict != Verdict.PASS:
        detail = f": {summary.message}" if summary.message else ""
        raise Exception(
            f"verdict of generation {summary.generation}: {summary.verdict}{detail}\n"
            f"report: {summary.report}"
        )
    return {**props, "verdict": summary.verdict, "report": summary.report}


def _request(props: dict[str, Any]) -> ReplayRequest:
    """The engine's request, from the resource's inputs."""
    from restore.runs import entry  # noqa: PLC0415

    password, reports_password = props.get("checkPassword"), props.get("reportsPassword")
    return entry.ReplayRequest(
        selection=Selection(
            repository=Path(props["repository"]),
            generation=props["generation"],
            profile=props["profile"],
            databases=tuple(props["databases"]),
        ),
        credentials=Credentials(props["checkLogin"], Secret(password)) if password else None,
        accepted=tuple(Acceptance(item["key"], item["reason"]) for item in props["accept"]),
        reports=Path(props["reports"]),
        language=props["language"],
        jobs=int(props["jobs"]),
        replace=bool(props["replace"]),
        reports_account=(
            Credentials(props["reportsLogin"], Secret(reports_password))
            if reports_password
            else None
        ),
        # A stack that an earlier engine made knows of no budget, and of no anonymisation.
        rto_budget=props.get("rtoBudget"),
        rpo_budget=props.get("rpoBudget"),
        require_signed=bool(props.get("requireSigned")),
        anonymisation=entry.anonymisation(
            props.get("anonymise"), props.get("anonymisationKey"), props["profile"]
        ),
    )
