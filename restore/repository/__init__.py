"""Where generations live."""

from pathlib import Path

from restore.errors import UsageError
from restore.repository.folder import FolderRepository as Repository
from restore.repository.manifest import Sign

__all__ = ["Repository", "create_repository", "open_repository"]


def open_repository(location: str) -> Repository:
    """Use the repository at ``location``, a folder.

    Raises:
        NotFoundError: there is none.
        UsageError: the location is of an unknown kind, or a newer engine made it.
    """
    return Repository.at(_folder(location))


def create_repository(location: str, sign: Sign | None = None) -> Repository:
    """Make a repository at ``location``; the one that is there already is used as it is.

    Args:
        sign: vouches for the manifests that are written there.

    Raises:
        UsageError: the folder holds other things or cannot be made.
    """
    return Repository.create(_folder(location), sign)


def _folder(location: str) -> Path:
    if "://" in location:
        raise UsageError(f"repository {location}: only folders can be used", "give a path")
    return Path(location).expanduser()
