"""The Pulumi stack `drill` in this tree's own state, so that `pulumi stack select drill` works."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from offline.environment import variables_for
from offline.host import Command
from offline.steps import Component

if TYPE_CHECKING:
    from offline.host import Host

STACK = "drill"
PROJECT_FILE = "Pulumi.yaml"


class StackStep:
    """Provides the stack. With a backend of the user's own choice, stacks are the user's too."""

    name = "Pulumi stack"

    def probe(self, host: Host) -> list[Component] | None:
        project = project_name(host.places.tree)
        if project is None:
            return []
        backend = host.environ.get("PULUMI_BACKEND_URL")
        if backend not in {None, f"file://{host.places.state}"}:
            return [Component(self.name, STACK, "left to the chosen backend", str(backend))]
        file = host.places.state / ".pulumi" / "stacks" / project / f"{STACK}.json"
        return [Component(self.name, STACK, "local state", str(file))] if file.is_file() else None

    def make(self, host: Host) -> list[Component]:
        # Creating a stack writes a salt into its settings file, which is under version control.
        # It is not needed there: Pulumi writes one with the first secret. So: beside the tree.
        with tempfile.TemporaryDirectory(prefix="pra-stack-") as name:
            shutil.copy(host.places.tree / PROJECT_FILE, name)
            host.run(
                Command(
                    ["pulumi", "stack", "init", STACK, "--non-interactive"],
                    cwd=Path(name),
                    log="stack",
                    variables=variables_for(host),
                    hint="`make doctor` shows whether the Pulumi CLI is in place",
                )
            )
        return self.probe(host) or []


def project_name(tree: Path) -> str | None:
    """Return the name of the Pulumi project, None when the tree has none."""
    try:
        text = (tree / PROJECT_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    found = re.search(r"^name:\s*[\"']?([\w.-]+)", text, re.MULTILINE)
    return found[1] if found else None
