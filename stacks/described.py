"""What a stack would make, as facts for a document: read as the stack itself reads its settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from restore.report.prerequisites.facts import StackFacts
from stacks.network import addresses
from stacks.settings import Place, parse

_JOBS: Final = 2
"""How many are written of where the machine that will restore is not known."""


def describe_stack(
    stack: str, root: Path, raw: Mapping[str, str], secret: Collection[str]
) -> StackFacts:
    """The facts of a stack, from its raw settings (``stack_file.raw_settings``).

    Raises:
        UsageError: settings are wrong; names each.
    """
    # A stack file that drills start from may leave the generation to them.
    settings = parse({"generation": "latest", **raw}, secret, Place(stack, root))
    return StackFacts(
        name=stack,
        subnet=str(settings.subnet),
        fixed_subnet="subnet" in raw,
        addresses=addresses(settings.subnet),
        external_url=settings.external_url,
        http_port=settings.http_port,
        certificate=settings.certificate is not None,
        database=settings.database_limits,
        erp=settings.erp_limits,
        images=tuple(settings.images.items()),
        databases=settings.selection.databases,
        accepted=settings.accepted,
        jobs=settings.jobs or _JOBS,
    )
