"""Files put into a container before it starts."""

from __future__ import annotations

import base64
import io
import tarfile
import time
from pathlib import Path

from ..errors import DOCKER_ERRORS, ProviderError, failed
from ..resource import Context
from ..values import Props


def upload(context: Context, container: str, inputs: Props) -> None:
    """Put the files of `uploads` in, each owned by root. Raises ProviderError naming the file."""
    for item in inputs.get("uploads") or ():
        archive = _archive(item["file"], _content(item), _mode(item))
        try:
            context.client.put_archive(container, "/", archive)
        except DOCKER_ERRORS as error:
            raise failed(f"upload {item['file']} into container {inputs['name']}", error) from error


def _content(item: Props) -> bytes:
    if item.get("content"):
        return str(item["content"]).encode()
    if item.get("contentBase64"):
        return base64.b64decode(item["contentBase64"])
    try:
        return Path(item["source"]).read_bytes()
    except OSError as error:
        raise ProviderError(
            f"can't read {item['source']} to upload it as {item['file']}: {error.strerror}",
            "`source` is a file on the machine where pulumi runs",
        ) from error


def _mode(item: Props) -> int:
    if item.get("permissions"):
        return int(item["permissions"], 8)
    return 0o744 if item.get("executable") else 0o644


def _archive(path: str, content: bytes, mode: int) -> bytes:
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.size, entry.mode, entry.mtime = len(content), mode, int(time.time())
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
