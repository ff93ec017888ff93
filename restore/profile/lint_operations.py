"""What a schema can't see in a profile's post-operations. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from restore.profile import OperationTime, PostOperation, Profile
from restore.profile.placeholders import KNOWN

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")


def operation_problems(profile: Profile) -> Iterator[str]:
    """Names that stand there twice or lead nowhere, and commands for a server that is stopped."""
    names = Counter(operation.name for operation in profile.post_operations)
    for name, number in names.items():
        if number > 1:
            yield f"post_operations: {name} stands there {number} times"
    for number, operation in enumerate(profile.post_operations):
        yield from _problems(f"post_operations[{number}]", operation, profile)


def _problems(path: str, operation: PostOperation, profile: Profile) -> Iterator[str]:
    for key, text in _texts(operation):
        for name in dict.fromkeys(_PLACEHOLDER.findall(text)):
            if name not in KNOWN:
                yield f"{path}.{key}: no {{{name}}}; known: {', '.join(KNOWN)}"
    if operation.command and operation.when is OperationTime.BEFORE_START:
        yield f"{path}.when: a command needs a server that runs: after-start"
    if operation.server.as_erp and profile.reports is None:
        yield f"{path}.server: the profile has no reports server"
    if operation.where is not None and operation.sql is None:
        yield f"{path}.where: needs sql, which is then left out"


def _texts(operation: PostOperation) -> Iterator[tuple[str, str]]:
    check = operation.check
    for key, text in (("sql", operation.sql), ("where", operation.where)):
        if text is not None:
            yield key, text
    yield from (("command", part) for part in operation.command)
    if check is None:
        return
    for key, text in (("sql", check.sql), ("path", check.path), ("expected", check.expected)):
        if text is not None:
            yield f"check.{key}", text
    yield from (("check.command", part) for part in check.command)
