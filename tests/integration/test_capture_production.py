"""The generation of a whole production, as it ran."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from restore.model import ArtifactKind, ConstraintFacts, Generation
from restore.repository.folder import FolderRepository
from restore.repository.verify import verify

pytestmark = pytest.mark.docker


def test_it_is_sound_and_complete(
    production_repository: FolderRepository, production_generation: Generation
) -> None:
    assert verify(production_repository, production_generation, jobs=2).problems == ()
    (facts,) = production_generation.fingerprint.databases
    rows = {table.name: table.rows or 0 for table in facts.tables}
    assert facts.name == "specibike_prod"
    assert rows["res_partner"] >= 300
    assert rows["sale_order"] >= 24
    assert rows["account_move"] >= 16
    assert {"contacts", "sale_management", "account"} <= {item.name for item in facts.modules}
    assert all(item.version for item in facts.modules)
    assert facts.not_valid == (ConstraintFacts("public", "sale_order", "specibike_reference"),)
    kinds = Counter(artifact.kind for artifact in production_generation.artifacts)
    assert kinds == {
        ArtifactKind.DATABASE: 1,
        ArtifactKind.DOCUMENTS: 1,
        ArtifactKind.ROLES: 1,
        ArtifactKind.CONFIGURATION: 2,
        ArtifactKind.CERTIFICATE: 1,
    }
    (documents,) = production_generation.artifacts_of(ArtifactKind.DOCUMENTS)
    assert documents.files > 100
    assert documents.bytes > 3_000_000


def test_its_passwords_are_nowhere_else(production_generation: Generation) -> None:
    configuration = production_generation.root / "configuration" / "erp" / "odoo.conf"
    text = configuration.read_text()
    passwords = re.findall(r"^(?:db_password|admin_passwd) = (\S+)$", text, re.MULTILINE)
    assert len(passwords) == 2
    for path in production_generation.root.rglob("*"):
        if path.is_file() and path != configuration:
            content = path.read_bytes()
            assert not [item for item in passwords if item.encode() in content], path
    assert configuration.stat().st_mode & 0o077 == 0
