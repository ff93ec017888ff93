"""A new file system for each restore, in a file on the disk.

Where many files were just removed, ext4 is slow to make new ones for minutes: what one restore
removed would be on the next one's bill.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_SIZE: Final = 64 << 30
"""Bytes; the file takes what is written only."""


@contextmanager
def new_disk(folder: Path) -> Iterator[Path]:
    """An empty ext4, mounted beneath ``folder``; gone at the end. It takes root to mount it."""
    image, place = folder / "disk.img", folder / "disk"
    place.mkdir(exist_ok=True)
    if place.is_mount():  # of a run that was killed
        _unmount(place)
    image.unlink(missing_ok=True)
    with image.open("xb") as file:
        file.truncate(_SIZE)
    options = "lazy_itable_init=1,lazy_journal_init=1,nodiscard"
    subprocess.run(("mkfs.ext4", "-q", "-F", "-E", options, str(image)), check=True)
    # Nothing of the file system is made ready behind a restore's back.
    subprocess.run(("mount", "-o", "loop,noinit_itable", str(image), str(place)), check=True)
    try:
        yield place
    finally:
        _unmount(place)
        image.unlink()
        place.rmdir()


def _unmount(place: Path) -> None:
    subprocess.run(("umount", str(place)), check=True)
