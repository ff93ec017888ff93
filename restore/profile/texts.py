"""Where profiles are: those that ship by name, others by path."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from restore.errors import NotFoundError, UsageError
from restore.profile.reading import parse_profile
from restore.profile.values import Profile


def profile_names() -> tuple[str, ...]:
    """The profiles that ship with the engine."""
    folder = resources.files("restore.profile") / "builtin"
    return tuple(
        sorted(
            item.name.removesuffix(".yaml")
            for item in folder.iterdir()
            if item.name.endswith(".yaml")
        )
    )


def is_profile_path(name: str) -> bool:
    """Whether a profile is named by its path, not by its name."""
    return name.endswith((".yaml", ".yml"))


def load_profile(name: str) -> Profile:
    """Read a profile by name, or by path (``is_profile_path``).

    Raises:
        NotFoundError: there is no such profile.
        UsageError: the file is no YAML or breaks the schema; all errors at once.
    """
    return parse_profile(profile_text(name), name)


def profile_text(name: str) -> str:
    """A profile's file, by name, or by path when ``name`` ends in ``.yaml``.

    Raises:
        NotFoundError: there is no such profile.
        UsageError: the file is no UTF-8.
    """
    if is_profile_path(name):
        path = Path(name)
        if not path.is_file():
            raise NotFoundError(f"profile {name} does not exist")
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"profile {name} is no UTF-8: {error}") from error
    if name in profile_names():
        folder = resources.files("restore.profile") / "builtin"
        return (folder / f"{name}.yaml").read_text(encoding="utf-8")
    known = ", ".join(profile_names())
    raise NotFoundError(
        f"there is no profile {name!r}", f"profiles that ship: {known}; or give a path"
    )
