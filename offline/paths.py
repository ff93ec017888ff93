"""Where set-up puts things: in the work tree, and in a cache outside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one work tree and of the cache that all work trees of a user share."""

    tree: Path
    cache: Path

    @property
    def work(self) -> Path:
        """What belongs to this tree and can be made again."""
        return self.tree / ".pra"

    @property
    def logs(self) -> Path:
        return self.work / "logs"

    @property
    def venv(self) -> Path:
        return self.tree / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def pulumi_home(self) -> Path:
        """Pulumi's own folder. One a tree, because the plug-in laid in it runs this tree's code."""
        return self.work / "pulumi-home"

    @property
    def state(self) -> Path:
        """The state of stacks when no other backend is chosen."""
        return self.work / "state"

    @property
    def passphrase(self) -> Path:
        return self.work / "passphrase"

    @property
    def environment(self) -> Path:
        return self.work / "environment.json"

    @property
    def activate(self) -> Path:
        return self.work / "activate"

    @property
    def downloads(self) -> Path:
        """Stamps that say which official site did not answer, and when."""
        return self.cache / "unreachable"


def places(tree: Path, environ: Mapping[str, str]) -> Places:
    """Return the places of `tree`; the cache is `PRA_CACHE`, else `pra` in the user's cache."""
    if own := environ.get("PRA_CACHE"):
        cache = Path(own)
    elif shared := environ.get("XDG_CACHE_HOME"):
        cache = Path(shared) / "pra"
    else:
        cache = Path(environ.get("HOME", "~")).expanduser() / ".cache" / "pra"
    return Places(tree=tree.resolve(), cache=cache.absolute())
