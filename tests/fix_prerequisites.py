"""A document from a small generation, and the samples of the documentation.

``python -m tests.fix_prerequisites`` writes the samples anew.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from restore.blueprint import configuration_texts
from restore.checks.foreseen import foreseen_checks
from restore.model import Generation, Report
from restore.prerequisites import (
    Expectation,
    Parties,
    Prerequisites,
    StackFacts,
    compose,
    foresee,
    to_markdown,
)
from restore.profile import Profile, load_profile
from restore.repository import create_repository
from restore.repository.folder import FolderRepository
from stacks.described import describe_stack
from tests.fix_repository import GenerationFactory
from tests.report_samples import passed

SAMPLES = Path(__file__).resolve().parents[1] / "docs" / "examples"
SETTINGS = {
    "subnet": "10.20.30.0/24",
    "externalUrl": "https://erp-rescue.example.org",
    "sizes": '{"databaseMemoryMb": 2048, "erpMemoryMb": 1536, "erpCpus": 1.5}',
}


LOCATIONS = {
    "configuration-erp": "/etc/odoo/odoo.conf",
    "configuration-database": "/etc/postgresql/13/main/postgresql.conf, "
    "/etc/postgresql/13/main/pg_hba.conf",
}
"""Where a production's configuration files were, as a capture records it."""


def stack_facts(settings: dict[str, str] | None = None) -> StackFacts:
    """The facts of a stack with such settings."""
    return describe_stack("drill", Path("/srv"), SETTINGS if settings is None else settings, ())


def prerequisites(
    repository: FolderRepository,
    generation: Generation,
    profile: Profile | None = None,
    stack: StackFacts | None = None,
    last: Report | None = None,
) -> Prerequisites:
    """All that a document of a generation says."""
    profile, stack = profile or load_profile("odoo"), stack or stack_facts()
    texts = configuration_texts(repository, generation, profile)
    intended, plan = foresee(generation, profile, texts, stack)
    checks = foreseen_checks(generation, profile, plan.databases, intended.erp_role)
    return Prerequisites(
        profile=profile,
        source=profile.name,
        repository="/srv/backups",
        generation=generation,
        blueprint=intended,
        plan=plan,
        checks=tuple(Expectation(check.id, check.title, check.expected) for check in checks),
        stack=stack,
        last=last,
        parties=Parties("Specibike", None),
        renew=("pra", "prerequisites", "--profile=odoo", "--output=prerequisites.html"),
        issued=datetime(2026, 11, 24, 7, 0, 0, tzinfo=UTC),
        engine_version="0.1.0",
    )


def sample(folder: Path, language: str) -> str:
    """The documentation's sample in a language."""
    repository = create_repository(str(folder / language))
    generation = GenerationFactory(repository)()
    generation = replace(
        generation,
        artifacts=tuple(
            replace(item, location=LOCATIONS.get(item.name, item.location))
            for item in generation.artifacts
        ),
    )
    last = replace(passed(), generation=generation)
    return to_markdown(compose(prerequisites(repository, generation, last=last), language))


@pytest.fixture
def make_prerequisites(
    repository: FolderRepository, small_generation: Generation
) -> Callable[..., Prerequisites]:
    """Makes what a document of a small generation says; parts can be replaced."""

    def make(**parts: object) -> Prerequisites:
        return prerequisites(repository, small_generation, **parts)  # type: ignore[arg-type]

    return make


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        for chosen in ("en", "fr"):
            target = SAMPLES / f"prerequisites.{chosen}.md"
            target.write_text(sample(Path(scratch), chosen), encoding="utf-8")
