"""Errors that end a command, each with its documented exit code.

The table of exit codes stands in ``docs/reference/exit-codes.md``; a test compares both.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a ``pra`` process returns. 0 is the only success."""

    PASS = 0
    """The command did what it was asked; a drill's verdict is pass."""
    INTERNAL = 1
    """A bug of the engine: please report it."""
    USAGE = 2
    """Wrong arguments, settings, profile or configuration."""
    FAIL = 3
    """A drill's or a restore's verdict is fail."""
    UNVERIFIABLE = 4
    """A drill or a restore ended, but what decides was left without an answer."""
    NOT_FOUND = 5
    """The repository, generation, profile, container, stack or report asked for does not exist."""
    DAMAGED = 6
    """A generation does not match its manifest, or its manifest was changed or is not readable."""
    REFUSED = 7
    """The environment is not equivalent, or holds the database already: nothing was changed."""
    ENVIRONMENT = 8
    """Docker, Pulumi, PostgreSQL or another server could not be used."""
    REPLAY = 9
    """A step of capture or replay failed."""
    ALTERED = 10
    """A report, its evidence or a manifest is not what was signed."""
    UNTRUSTED = 11
    """A report, or a generation that must be, is not signed, or not by a key that is trusted."""
    INTERRUPTED = 130
    """Ctrl-C or SIGTERM; what was made has been cleaned up."""


class RestoreError(Exception):
    """A failure that the user can understand.

    Args:
        message: what failed, and on what.
        hint: what to do next; empty when there is nothing to add.
    """

    exit_code: ExitCode = ExitCode.INTERNAL

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(RestoreError):
    """Arguments, settings or a profile are wrong."""

    exit_code = ExitCode.USAGE


class NotFoundError(RestoreError):
    """A named repository, generation, stack or report does not exist."""

    exit_code = ExitCode.NOT_FOUND


class DamagedGenerationError(RestoreError):
    """A generation is not what its manifest says."""

    exit_code = ExitCode.DAMAGED


class RefusedError(RestoreError):
    """A precondition of the plan does not hold; nothing was changed."""

    exit_code = ExitCode.REFUSED


class EnvironmentFailure(RestoreError):
    """A server or tool that the engine needs does not answer or does not work."""

    exit_code = ExitCode.ENVIRONMENT


class ReplayError(RestoreError):
    """A step of capture or replay failed."""

    exit_code = ExitCode.REPLAY


class AlteredError(RestoreError):
    """A signed file, or its signature, is not what was signed."""

    exit_code = ExitCode.ALTERED


class UntrustedError(RestoreError):
    """No signature by a trusted key vouches for a report."""

    exit_code = ExitCode.UNTRUSTED


class Interrupted(RestoreError):
    """The user or the system asked the command to stop; what it made has been cleaned up."""

    exit_code = ExitCode.INTERRUPTED
