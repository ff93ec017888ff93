"""A document from a small generation, and the samples of the documentation.

``python -m tests.support.prerequisites`` writes the samples anew.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from restore.checks import foreseen_checks
from restore.model import (
    Artifact,
    ArtifactKind,
    CertificateFacts,
    Generation,
    NodeFacts,
    ProxyFacts,
    Report,
)
from restore.plan.blueprint import configuration_texts
from restore.profile import Profile, load_profile
from restore.report.prerequisites.composition import compose
from restore.report.prerequisites.facts import Prerequisites, StackFacts
from restore.report.prerequisites.foreseen import foresee
from restore.report.prerequisites.render import to_markdown
from restore.repository import create_repository
from restore.repository.folder import FolderRepository
from stacks.described import describe_stack
from tests.support.report_samples import passed
from tests.support.repository import Contents, GenerationFactory

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
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


CERTIFICATE = CertificateFacts(
    subject="CN=erp.example.org",
    issuer="CN=Example Issuing CA",
    names=("erp.example.org",),
    not_before=datetime(2026, 1, 15, tzinfo=UTC),
    not_after=datetime(2027, 1, 15, tzinfo=UTC),
    sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    authorities=2,
)


def furnished(generation: Generation, certificate: CertificateFacts = CERTIFICATE) -> Generation:
    """The same generation of a production whose sizing, URL and reverse proxy were captured."""
    gib = 1 << 30
    node = NodeFacts(4, 8 * gib, 100 * gib, 60 * gib, "192.168.10.5")
    fingerprint = generation.fingerprint
    proxy = replace(fingerprint.erp, version="1.18.0", node=replace(node, address="192.168.10.7"))
    facts = replace(
        fingerprint,
        postgresql=replace(fingerprint.postgresql, node=node),
        erp=replace(fingerprint.erp, node=replace(node, address="192.168.10.6")),
        proxy=ProxyFacts(proxy, certificate),
        external_url="https://erp.example.org",
    )
    held = Artifact(
        name="certificate",
        kind=ArtifactKind.CERTIFICATE,
        database=None,
        location="/etc/nginx/ssl/erp.pem",
        folder="certificate",
        index="indexes/certificate.jsonl",
        index_sha256="0" * 64,
        files=1,
        bytes=5120,
    )
    return replace(generation, fingerprint=facts, artifacts=(*generation.artifacts, held))


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
    checks = foreseen_checks(profile, plan.databases, generation, erp_role=intended.erp_role)
    return Prerequisites(
        profile=profile,
        source=profile.name,
        repository="/srv/backups",
        generation=generation,
        blueprint=intended,
        plan=plan,
        checks=tuple(checks),
        stack=stack,
        last=last,
        client="Specibike",
        integrator=None,
        renew=("pra", "prerequisites", "--profile=odoo", "--output=prerequisites.html"),
        issued=datetime(2026, 11, 24, 7, 0, 0, tzinfo=UTC),
        engine_version="0.1.0",
    )


def sample(folder: Path, language: str) -> str:
    """The documentation's sample in a language."""
    repository = create_repository(str(folder / language))
    dump = {"toc.dat": b"PGDMP a table of contents", "3001.dat.gz": b"rows"}
    generation = GenerationFactory(repository)(Contents(dump=dump))
    generation = replace(
        generation,
        artifacts=tuple(
            replace(item, location=LOCATIONS.get(item.name, item.location))
            for item in generation.artifacts
        ),
    )
    last = replace(passed(), generation=generation)
    given = prerequisites(repository, generation, last=last)
    complete = furnished(generation)
    checks = foreseen_checks(given.profile, given.plan.databases, complete, erp_role="odoo")
    given = replace(
        given,
        generation=complete,
        checks=tuple(checks),
    )
    return to_markdown(compose(given, language))


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
