"""What ``df`` tells of a file system."""

from __future__ import annotations

import pytest

from restore.adapters.docker.facts import DiskSpace, parse_df

HEAD = "Filesystem 1024-blocks Used Available Capacity Mounted on\n"


@pytest.mark.parametrize(
    "line",
    [
        "overlay 3000 1000 2000 34% /",
        "overlay 3000 1000 2000 34% /\n",
        "//nas/a share 3000 1000 2000 34% /srv/some documents",
        "none 3000 1000 2000 - /data",
    ],
)
def test_size_and_what_is_free(line: str) -> None:
    assert parse_df(HEAD + line) == DiskSpace(3000 << 10, 2000 << 10)


@pytest.mark.parametrize("output", ["", HEAD, HEAD + "overlay - - - - /"])
def test_nothing_told_is_nothing_known(output: str) -> None:
    assert parse_df(output) is None
