"""Documents: streamed into a staging folder, counted there, then renamed into place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import PurePosixPath

from restore.adapters.docker.helpers import Helper, beside
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres import commands
from restore.context import ReplayContext
from restore.errors import NotFoundError, ReplayError, RestoreError
from restore.model import Artifact, ArtifactKind, FileEntry, Progress, Step
from restore.plan.request import documents_folder
from restore.profile import Profile
from restore.replay.steps.servers import owner_of
from restore.replay.tar import archive
from restore.replay.unpacking import unpack


def find_documents(
    runner: Runner, container: str, profile: Profile, databases: Iterable[str]
) -> tuple[str, ...]:
    """The document folders of these databases that hold at least one file."""
    folders = (
        documents_folder(tree, database) for database in databases for tree in profile.documents
    )
    return tuple(folder for folder in folders if _holds_files(runner, container, folder))


def _holds_files(runner: Runner, container: str, folder: str) -> bool:
    try:
        return any(not member.isdir() for member, _ in runner.read_archive(container, folder))
    except NotFoundError:
        return False


def restore_documents(context: ReplayContext, step: Step) -> None:
    """Stream a tree into its staging folder and count what arrived. The ERP does not run."""
    staging = _staging(step)
    _require_volume(context, staging)
    artifact = _artifact(context, step)
    user = step.owner or context.profile.erp.user
    owner = owner_of(context, user)
    entries = _followed(context, step, artifact)
    erp = context.environment.erp.container
    with beside(context.runner, erp) as there:
        _make_parent(there, staging, user)
        _remove(there, staging)
        try:
            with context.repository.reader(context.generation, artifact) as open_entry:
                stream = archive(staging.name, entries, open_entry, owner)
                unpack(context.runner, erp, str(staging.parent), stream)
            arrived = commands.count_files(there.lines(*commands.file_sizes(str(staging))))
            if arrived != (artifact.files, artifact.bytes):
                raise ReplayError(
                    f"{staging} holds {arrived[0]} files of {arrived[1]} bytes, "
                    f"the generation {artifact.files} of {artifact.bytes}"
                )
        except BaseException:
            # A half-written copy must not fill the volume; the first error is the one to tell.
            with suppress(RestoreError):
                _remove(there, staging)
            raise


def promote_documents(context: ReplayContext, step: Step) -> None:
    """Put the staged tree in its place. What was there is removed only afterwards."""
    staging, target = _staging(step), PurePosixPath(step.target)
    aside = target.with_name(f".{target.name}.pra-old")
    with beside(context.runner, context.environment.erp.container) as there:
        present = _names(there, target.parent)
        if staging.name not in present:
            raise ReplayError(f"{staging} is not there to be promoted")
        if target.name in present:
            _remove(there, aside)
            _move(there, target, aside)
        try:
            _move(there, staging, target)
        except BaseException:
            if target.name in present:
                with suppress(RestoreError):
                    _move(there, aside, target)
            raise
        # Also when an earlier replay was stopped before it came here.
        _remove(there, aside)
        left = _names(there, target.parent)
    if target.name not in left or staging.name in left:
        raise ReplayError(f"{staging} was moved, but {target} is not there")


def _staging(step: Step) -> PurePosixPath:
    if step.staging is None:
        raise ReplayError(f"step {step.id} names no staging folder")
    return PurePosixPath(step.staging)


def _artifact(context: ReplayContext, step: Step) -> Artifact:
    for artifact in context.generation.artifacts_of(ArtifactKind.DOCUMENTS):
        if artifact.folder == step.source:
            return artifact
    raise ReplayError(f"generation {context.generation.id} holds no documents in {step.source}")


def _followed(context: ReplayContext, step: Step, artifact: Artifact) -> Iterator[FileEntry]:
    """The entries of an artefact; tells the listener the progress while they are taken."""
    done = 0
    for number, entry in enumerate(context.repository.read_index(context.generation, artifact)):
        if context.stopping.is_set():
            raise ReplayError("the copy was given up")
        context.listener(Progress(step.title, done, artifact.bytes, number, artifact.files))
        yield entry
        done += entry.size
    context.listener(Progress(step.title, done, artifact.bytes, artifact.files, artifact.files))


def _require_volume(context: ReplayContext, folder: PurePosixPath) -> None:
    """Refuse a folder on no volume: helpers beside the stopped server see only its volumes."""
    model = context.runner.container(context.environment.erp.container)
    mounts = [PurePosixPath(mount["Destination"]) for mount in model.attrs["Mounts"]]
    if not any(folder.is_relative_to(mount) and folder != mount for mount in mounts):
        raise ReplayError(
            f"{folder} is on no volume of the ERP's container",
            "the profile's erp.data must hold the folder of every document tree",
        )


def _make_parent(there: Helper, folder: PurePosixPath, user: str) -> None:
    """Create the parent folder, owned by the ERP's user."""
    parent = str(folder.parent)
    try:
        there.run("mkdir", "-p", "--", parent, user=user)
    except ReplayError:
        there.run("mkdir", "-p", "--", parent)
        there.run("chown", "--", user, parent)


def _names(there: Helper, folder: PurePosixPath) -> frozenset[str]:
    found = there.run("find", str(folder), "-mindepth", "1", "-maxdepth", "1", "-printf", "%f\\n")
    return frozenset(found.splitlines())


def _remove(there: Helper, folder: PurePosixPath) -> None:
    there.run("rm", "-rf", "--", str(folder))


def _move(there: Helper, source: PurePosixPath, target: PurePosixPath) -> None:
    there.run("mv", "-T", "--", str(source), str(target))
