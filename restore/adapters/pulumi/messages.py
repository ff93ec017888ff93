"""Reads what Pulumi's command line says."""

from __future__ import annotations

import os
import re
import socket
from typing import Final

_COLOURS: Final = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")
_ECHOES: Final = ("an unhandled error occurred", "update failed", "preview failed")
_HOLDER: Final = re.compile(r"@(?P<host>\S+) \(pid (?P<pid>\d+)\)")

_HINTS: Final = {
    "the settings of stack": "",
    "passphrase": "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE; 'make setup' "
    "makes a file for this clone",
    "unable to open state directory": "run 'make setup', or create the folder",
    "resource plugin": "run 'make setup': it installs the Docker provider's plug-in",
    "Pool overlaps": "another network has this subnet: set another one (pra:subnet)",
    "port is already allocated": "another process uses the port: set another (pra:httpPort)",
    "invalid locale name": "the database server's image lacks production's locale: give another "
    "image (--database-image, or pra:databaseImage)",
    "Cannot connect to the Docker daemon": "does the Docker engine run? see 'make doctor'",
}
"""What to do next, by a part of what Pulumi or Docker said; the first that fits."""


def plain(text: str) -> str:
    """A text without its colours."""
    return _COLOURS.sub("", text).strip()


def is_echo(text: str) -> bool:
    """Whether an error only tells that there was one: Pulumi adds such to those that tell more."""
    return text.startswith(_ECHOES)


def hint(text: str) -> str:
    """What to do next about an error."""
    return next((said for sign, said in _HINTS.items() if sign in text), "see 'make doctor'")


def holder_lives(text: str) -> bool:
    """Whether the process that Pulumi names as a lock's holder may still be there.

    Of processes on other machines nothing is known: they may.
    """
    holder = _HOLDER.search(text)
    if holder is None or holder["host"] != socket.gethostname():
        return True
    try:
        os.kill(int(holder["pid"]), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
