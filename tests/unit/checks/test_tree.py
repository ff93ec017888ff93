"""What the hash tools say, read."""

import pytest

from restore.checks.tree import Tree, hash_tree
from restore.errors import ReplayError
from tests.support.fake_docker import Answer, FakeEngine

FOLDER = "/srv/files/db"
DIGEST = "a9993e364706816aba3e25717850c26c9cd0d89d"


def engine_of(out: tuple[str, ...] = (), err: tuple[str, ...] = ()) -> FakeEngine:
    """An engine whose tool writes these lines, and fails when it complains."""
    engine = FakeEngine(lambda _call: Answer("\n".join(out), "\n".join(err), int(bool(err))))
    engine.add("erp")
    return engine


def hashed(*, out: tuple[str, ...] = (), err: tuple[str, ...] = ()) -> Tree:
    return hash_tree(engine_of(out, err).runner, "erp", FOLDER, "sha1", "odoo")


def test_digests_are_kept_by_relative_path() -> None:
    tree = hashed(out=(f"{DIGEST}  {FOLDER}/a9/x y", f"{DIGEST} *{FOLDER}/top"))

    assert tree.digests == {"a9/x y": bytes.fromhex(DIGEST), "top": bytes.fromhex(DIGEST)}


def test_escaped_names_are_read() -> None:
    tree = hashed(out=(f"\\{DIGEST}  {FOLDER}/a\\nb\\\\nc",))

    assert list(tree.digests) == ["a\nb\\nc"]


def test_the_tool_is_the_one_of_the_algorithm_and_no_shell_is_used() -> None:
    engine = engine_of()
    hash_tree(engine.runner, "erp", FOLDER, "sha256", "odoo")

    assert engine.calls[0].argv == (
        "find",
        FOLDER,
        "-type",
        "f",
        "-exec",
        "sha256sum",
        "--",
        "{}",
        "+",
    )


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
