"""What a cache's key is made of: all that a database server's loaded data depend on. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from restore import __version__
from restore.model import ArtifactKind, Part, RestorePlan, Versioned
from restore.model.plan import Effect
from restore.plan.request import PlanRequest

FORMAT: Final = 1
"""Version of what a cache is; another one makes other keys."""


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """What of a database server its stored data depend on.

    ``image`` is its id, ``settings`` are those that are not PostgreSQL's own defaults, and what
    its data were initialised with. ``collations`` and ``extensions`` are those that it offers.
    """

    image: str
    version: str
    settings: tuple[tuple[str, str], ...]
    collations: tuple[Versioned, ...] = ()
    extensions: tuple[Versioned, ...] = ()


def cache_key(
    request: PlanRequest, planned: RestorePlan, part: Part, server: ServerIdentity
) -> str:
    """The cache key of a database server, 64 hex digits: whatever changes its data changes it.

    Args:
        request: that half's, the reports server's seen as an ERP.
        planned: the plan that loads the databases from their dumps.
    """
    text = json.dumps(ingredients(request, planned, part, server), sort_keys=True)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def ingredients(
    request: PlanRequest, planned: RestorePlan, part: Part, server: ServerIdentity
) -> dict[str, Any]:
    """The document whose digest is the key."""
    steps = [
        step for step in planned.steps if step.part is part and step.kind.effect is Effect.LOADS
    ]
    names = {step.database for step in steps}
    generation = request.generation
    artifacts = (
        *generation.artifacts_of(ArtifactKind.ROLES),
        *(one for one in generation.artifacts_of(ArtifactKind.DATABASE) if one.database in names),
    )
    return {
        "format": FORMAT,
        "engine": __version__,
        "part": part.value,
        "generation": generation.id,
        "artifacts": sorted((one.name, one.form.value, one.index_sha256) for one in artifacts),
        "databases": [
            {
                "name": facts.name,
                "encoding": facts.encoding,
                "collate": facts.collate,
                "ctype": facts.ctype,
                "locale": None if facts.locale is None else asdict(facts.locale),
                "collation_version": facts.collation_version,
                "extensions": _versions(facts.extensions),
            }
            for facts in generation.fingerprint.databases
            if facts.name in names
        ],
        "steps": [(step.kind.value, step.target, step.argv) for step in steps],
        "data": request.profile.database.data,
        "server": {
            "image": server.image,
            "version": server.version,
            "settings": sorted(server.settings),
            "collations": _versions(server.collations),
            "extensions": _versions(server.extensions),
        },
    }


def _versions(items: tuple[Versioned, ...]) -> list[tuple[str, str]]:
    return sorted((item.name, item.version) for item in items)
