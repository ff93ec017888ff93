"""What each kind of step does in a replay, and what of it the end of the replay must know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from restore.adapters.postgres import sql
from restore.checks.base import describe
from restore.context import ReplayContext
from restore.errors import ReplayError, RestoreError
from restore.model import CheckResult, Part, RestorePlan, Step, StepKind
from restore.replay.steps import (
    anonymise,
    bulk,
    cache,
    databases,
    documents,
    neutralise,
    nodes,
    operations,
    reports,
    roles,
    servers,
)


class Acts:
    """The acts of one replay. Two threads may perform steps.

    ``ran`` is the ERP's container when it ran before; ``promoting`` whether anything that people
    see was changed; ``in_bulk_mode`` the steps that would take servers out of that mode.
    """

    def __init__(self, plan: RestorePlan, context: ReplayContext) -> None:
        self.context = context
        self.ran: str | None = None
        self.promoting = False
        self.in_bulk_mode: list[Step] = []
        self.checks: list[CheckResult] = []
        self.warnings: list[str] = []
        self._plan = plan

    def perform(self, step: Step) -> None:
        """Do what a step says.

        Raises:
            RestoreError: it failed; so do the servers' own errors and those of files.
        """
        ACTS[step.kind](self, step)

    def plain(self, act: Callable[[ReplayContext, Step], None], step: Step) -> None:
        """Run an act that needs nothing but its step."""
        act(self.context.of(step.part), step)

    def stop_erp(self, step: Step) -> None:
        """Stop the ERP, and keep in mind whether it ran."""
        context = self.context.of(step.part)
        model = context.runner.container(context.environment.erp.container)
        self.ran = context.environment.erp.container if model.status == "running" else None
        servers.stop_erp(context, step)

    def enter_bulk_mode(self, step: Step) -> None:
        """Put a database server into bulk mode, and keep in mind how it gets out of it."""
        ends = (StepKind.LEAVE_BULK_MODE, step.part)
        after = self._plan.steps[self._plan.steps.index(step) :]
        self.in_bulk_mode += [one for one in after if (one.kind, one.part) == ends][:1]
        bulk.enter_bulk_mode(self.context.of(step.part), step)

    def leave_bulk_mode(self, step: Step) -> None:
        """Take a database server out of bulk mode."""
        self.leave(step)
        self.in_bulk_mode = [one for one in self.in_bulk_mode if one.id != step.id]

    def leave(self, step: Step) -> None:
        """Take a database server out of bulk mode, whatever became of the replay."""
        bulk.leave_bulk_mode(self.context.of(step.part), step)

    def promote(self, act: Callable[[ReplayContext, Step], None], step: Step) -> None:
        """Run an act that changes what people see."""
        self.promoting = True
        act(self.context.of(step.part), step)

    def configure(self, step: Step) -> None:
        """Write a configuration file, which names every database of the plan."""
        context = self.context.of(step.part)
        names = tuple(facts.name for facts in context.generation.fingerprint.databases)
        restored = self._plan.databases if step.part is Part.ERP else names
        servers.restore_configuration(context, step, restored)

    def data_source(self, step: Step) -> None:
        """Point a data source of the reports server at the ERP's database server."""
        reports.restore_data_source(self.context, step)

    def check_database(self, step: Step) -> None:
        """Check a database and keep the results, also when they end the replay."""
        with self._of_copy(step):
            results = databases.check_database(self.context.of(step.part), step)
            self.checks += results
            databases.require_passed(results)

    def keep_cache(self, step: Step) -> None:
        """Make a cache of a server's data. Where that fails, what was restored is right."""
        if problem := cache.keep_cache(self.context.of(step.part), step):
            self.warnings.append(problem)

    def place_cache(self, step: Step) -> None:
        """Place a cache of a server's data."""
        with self._of_copy(step):
            cache.place_cache(self.context.of(step.part), step)

    @contextmanager
    def _of_copy(self, step: Step) -> Iterator[None]:
        """Where a copy was placed, an error is the copy's first: it is never used again."""
        try:
            yield
        except (RestoreError, sql.Error, OSError) as error:
            kinds = (StepKind.PLACE_CACHE, step.part)
            placed = [one for one in self._plan.steps if (one.kind, one.part) == kinds]
            if not placed or self.context.stopping.is_set():
                raise
            gone = cache.discard_cache(self.context.of(step.part), placed[0])
            told = f"this was a kept copy, {placed[0].staging}, not the backup itself"
            hint = "it was discarded: run the drill again, which will be cold"
            if not gone:
                hint = f"discard it: pra cache remove {placed[0].staging}; then run again"
            self.warnings.append(f"{told}; {hint}")
            raise ReplayError(f"{describe(error)}\n{told}", hint) from error

    def anonymise(
        self, act: Callable[[ReplayContext, Step], tuple[CheckResult, ...]], step: Step
    ) -> None:
        """Anonymise and keep what was found, also when it ends the replay."""
        results = act(self.context, step)
        self.checks += results
        anonymise.require_anonymised(results)


def _act(act: Callable[[ReplayContext, Step], None]) -> Callable[[Acts, Step], None]:
    return lambda run, step: run.plain(act, step)


def _promotion(act: Callable[[ReplayContext, Step], None]) -> Callable[[Acts, Step], None]:
    return lambda run, step: run.promote(act, step)


def _whole(act: Callable[[ReplayContext, Step], None]) -> Callable[[Acts, Step], None]:
    """An act that looks at the whole environment, whatever its part."""
    return lambda run, step: act(run.context, step)


def _judged(
    act: Callable[[ReplayContext, Step], tuple[CheckResult, ...]],
) -> Callable[[Acts, Step], None]:
    """An act that anonymises, and judges what it did."""
    return lambda run, step: run.anonymise(act, step)


ACTS: Final[Mapping[StepKind, Callable[[Acts, Step], None]]] = {
    StepKind.STOP_ERP: Acts.stop_erp,
    StepKind.ROLES: _act(roles.restore_roles),
    StepKind.ENTER_BULK_MODE: Acts.enter_bulk_mode,
    StepKind.LEAVE_BULK_MODE: Acts.leave_bulk_mode,
    StepKind.CREATE_DATABASE: _act(databases.create_database),
    StepKind.RESTORE_DATABASE: _act(databases.restore_database),
    StepKind.GIVE_OWNERSHIP: _act(databases.give_ownership),
    StepKind.ANALYZE: _act(databases.analyze_database),
    StepKind.STATISTICS: _act(databases.analyze_database),
    StepKind.CHECK_DATABASE: Acts.check_database,
    StepKind.KEEP_CACHE: Acts.keep_cache,
    StepKind.PLACE_CACHE: Acts.place_cache,
    StepKind.DOCUMENTS: _act(documents.restore_documents),
    StepKind.CONFIGURATION: Acts.configure,
    StepKind.PROMOTE_DATABASE: _promotion(databases.promote_database),
    StepKind.PROMOTE_DOCUMENTS: _promotion(documents.promote_documents),
    StepKind.OPEN_DATABASE: _act(databases.open_database),
    StepKind.START_ERP: _act(servers.start_erp),
    StepKind.DATA_SOURCE: Acts.data_source,
    StepKind.NEUTRALISE: _act(neutralise.neutralise),
    StepKind.ANONYMISE: _judged(anonymise.anonymise_database),
    StepKind.ANONYMISE_DOCUMENTS: _judged(anonymise.anonymise_documents),
    StepKind.POST_OPERATION: _whole(operations.run_operation),
    StepKind.BEGIN_NODE: _whole(nodes.begin_node),
    StepKind.COMPLETE_NODE: _whole(nodes.complete_node),
}
"""What each kind of step does; a test holds that every kind is here."""
