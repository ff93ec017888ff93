"""The steps that anonymise a staging copy, once it is neutralised. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from restore.anonymise.rules import Rules
from restore.anonymise.statements import every_table
from restore.model import DatabaseFacts, Purpose, Step, StepKind
from restore.model.messages import message
from restore.plan.request import (
    PlanRequest,
    Refusal,
    before_start,
    database_step,
    documents_folder,
    documents_of,
)


def anonymisation_refusals(request: PlanRequest) -> Iterator[Refusal]:
    """Reasons, each with a hint, why the request can't be anonymised."""
    rules = request.anonymise
    if rules is None:
        return
    if request.purpose is not Purpose.STAGING:
        yield (
            "only a staging copy is anonymised: a recovery brings production back",
            "leave the rules of anonymisation out",
        )
    trees = {tree.name for tree in request.profile.documents}
    for number, documents in enumerate(rules.documents):
        if documents.tree not in trees:
            yield (
                f"rules {rules.name}, documents[{number}].tree: the profile has no tree "
                f"{documents.tree}",
                f"its trees: {', '.join(sorted(trees)) or 'none'}",
            )


def with_anonymisation(
    request: PlanRequest, databases: tuple[DatabaseFacts, ...], steps: tuple[Step, ...]
) -> tuple[Step, ...]:
    """A plan's steps with those that anonymise, where it is asked for.

    They come after neutralisation, before anything of the ERP runs; the database first: it tells
    which files stay.
    """
    if request.anonymise is None:
        return steps
    return before_start(steps, _steps(request, request.anonymise, databases))


def _steps(
    request: PlanRequest, rules: Rules, databases: tuple[DatabaseFacts, ...]
) -> Iterator[Step]:
    for facts in databases:
        title = message(
            "Anonymise database {name} by rules {rules}", name=facts.name, rules=rules.name
        )
        items = len(every_table(rules))
        yield database_step(StepKind.ANONYMISE, facts.name, title, items=items)
        for tree in request.profile.documents:
            ruled = any(one.tree == tree.name for one in rules.documents)
            artifact = documents_of(request.generation, tree, facts.name)
            if ruled and artifact is not None:
                yield Step(
                    id=f"anonymise-documents:{tree.name}:{facts.name}",
                    kind=StepKind.ANONYMISE_DOCUMENTS,
                    title=message(
                        "Replace documents {tree} of database {name}",
                        tree=tree.name,
                        name=facts.name,
                    ),
                    target=documents_folder(tree, facts.name),
                    database=facts.name,
                    owner=request.profile.erp.user,
                    items=artifact.files,
                )
