"""Where generations live: one module a backend, one interface (``base.Repository``)."""

from pathlib import Path

from restore.errors import UsageError
from restore.repository.base import Repository
from restore.repository.folder import FolderRepository

__all__ = ["Repository", "create_repository", "open_repository"]


def open_repository(location: str) -> FolderRepository:
    """Use the repository at ``location``, a folder.

    Raises:
        NotFoundError: there is none.
        UsageError: the location is of an unknown kind, or a newer engine made it.
    """
    return FolderRepository.at(_folder(location))


def create_repository(location: str) -> FolderRepository:
    """Make a repository at ``location``; the one that is there already is used as it is.

    Raises:
        UsageError: the folder holds other things or cannot be made.
    """
    return FolderRepository.create(_folder(location))


def _folder(location: str) -> Path:
    if "://" in location:
        raise UsageError(f"repository {location}: only folders can be used", "give a path")
    return Path(location).expanduser()
