"""What the hash tools say, read."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from restore.adapters.docker.runner import Runner
from restore.checks.tree import Tree, hash_tree
from restore.errors import ReplayError

FOLDER = "/srv/files/db"
DIGEST = "a9993e364706816aba3e25717850c26c9cd0d89d"


class Tools:
    """A runner whose command writes these lines, and fails when it complains."""

    def __init__(self, *, out: tuple[str, ...] = (), err: tuple[str, ...] = ()) -> None:
        self.out, self.err = out, err
        self.argv: tuple[str, ...] = ()

    def lines(self, _container: str, argv: tuple[str, ...], **options: Any) -> Iterator[str]:
        self.argv = argv
        for line in self.err:
            options["on_error_line"](line)
        yield from self.out
        if self.err:
            raise ReplayError("find exited with 1")


def hashed(*, out: tuple[str, ...] = (), err: tuple[str, ...] = ()) -> Tree:
    return hash_tree(cast(Runner, Tools(out=out, err=err)), "erp", FOLDER, "sha1", "odoo")


def test_digests_are_kept_by_relative_path() -> None:
    tree = hashed(out=(f"{DIGEST}  {FOLDER}/a9/x y", f"{DIGEST} *{FOLDER}/top"))

    assert tree.digests == {"a9/x y": bytes.fromhex(DIGEST), "top": bytes.fromhex(DIGEST)}


def test_escaped_names_are_read() -> None:
    tree = hashed(out=(f"\\{DIGEST}  {FOLDER}/a\\nb\\\\nc",))

    assert list(tree.digests) == ["a\nb\\nc"]


def test_the_tool_is_the_one_of_the_algorithm_and_no_shell_is_used() -> None:
    tools = Tools()
    hash_tree(cast(Runner, tools), "erp", FOLDER, "sha256", "odoo")

    assert tools.argv == ("find", FOLDER, "-type", "f", "-exec", "sha256sum", "--", "{}", "+")


@pytest.mark.parametrize(
    ("line", "path", "file"),
    [
        (f"sha1sum: {FOLDER}/ab/f: Permission denied", "ab/f", "ab/f"),
        (f"sha1sum: '{FOLDER}/ab/f g': Input/output error", "ab/f g", "ab/f g"),
        (f"find: '{FOLDER}/ab': Permission denied", "ab", "ab/f"),
        (f"find: '{FOLDER}': Permission denied", "", "ab/f"),
    ],
)
def test_what_cannot_be_read_is_no_error_of_the_check(line: str, path: str, file: str) -> None:
    tree = hashed(err=(line,))

    reason = line.rpartition(": ")[2]
    assert tree.unreadable == {path: reason}
    assert tree.unreadable_reason(file) == reason
    assert path == "" or tree.unreadable_reason("other/file") is None


def test_a_missing_folder_is_told() -> None:
    tree = hashed(err=(f"find: '{FOLDER}': No such file or directory",))

    assert tree.missing
    assert tree.unreadable_reason("any") is None


@pytest.mark.parametrize(
    "line",
    [
        "find: 'sha1sum': No such file or directory",
        "OCI runtime exec failed",
        "find: out of memory",
    ],
)
def test_other_failures_of_the_tools_are_raised(line: str) -> None:
    with pytest.raises(ReplayError):
        hashed(err=(f"sha1sum: {FOLDER}/f: Permission denied", line))


def test_a_line_of_another_form_is_refused() -> None:
    with pytest.raises(ReplayError, match="of another form"):
        hashed(out=("no digest here",))
