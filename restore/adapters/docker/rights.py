"""The Linux capabilities that our containers keep; every other that Docker gives is dropped.

They are what an image needs that begins as root and goes on as another user: official images of
PostgreSQL and nginx do. A server whose image begins as its own user keeps none.
"""

from __future__ import annotations

from typing import Final

SECURITY: Final = ("no-new-privileges",)
"""No setuid program (``sudo``, ``su``) gives more than a process has."""

DROPPED: Final = ("ALL",)

STEPPING_DOWN: Final = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SETGID", "CAP_SETUID")
"""To give folders to the server's own user, to become that user, and to read as root what only
somebody else may: the backup repository belongs to whoever made it."""

PROXY: Final = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETGID",
    "CAP_SETUID",
)
"""nginx gives its folders and its workers to another user, and listens on a low port."""

TREE: Final = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER")
"""To work as root on the files of a stopped server."""

MOST_PROCESSES: Final = 512
"""Of a helper, which has one job; Pulumi's Docker plug-in knows no such limit for servers."""

_ROOT: Final = frozenset({"", "root", "0"})


def kept_by(user: str | None) -> tuple[str, ...]:
    """The capabilities of a server whose image runs as ``user`` (None is root)."""
    name = (user or "").partition(":")[0]
    return STEPPING_DOWN if name in _ROOT else ()
