"""Commands in containers of the tests' own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from docker.models.containers import Container


def output_of(container: Container, argv: Sequence[str], **options: Any) -> str:
    """Run a command in a container, which must succeed; what it printed."""
    code, output = container.exec_run(list(argv), **options)
    assert isinstance(output, bytes)
    text = output.decode(errors="replace")
    assert code == 0, f"{' '.join(argv)}: {text}"
    return text
