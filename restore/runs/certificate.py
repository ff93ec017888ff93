"""Which certificate the reverse proxy of an environment serves, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from restore import model
from restore.errors import DamagedGenerationError, NotFoundError
from restore.model.environment import StackOverrides
from restore.model.messages import message
from restore.model.secret import Secret
from restore.plan.equivalence.certificate import Judged, host_of, judge, other_certificate, short
from restore.repository import Repository

LONGEST: Final = 1 << 20
"""Bytes of a PEM above which it is none."""


@dataclass(frozen=True, slots=True)
class Served:
    """A certificate to serve. ``pem`` is None when no server could start with it."""

    pem: Secret | None = None
    facts: model.CertificateFacts | None = None
    differences: tuple[model.Difference, ...] = ()


def foreseen_certificate(
    repository: Repository, generation: model.Generation, overrides: StackOverrides, now: datetime
) -> Served:
    """The certificate that an environment would serve: the stack's own, else the generation's.

    Raises:
        NotFoundError: the stack names a file that is not there.
        DamagedGenerationError: the generation's can't be read.
    """
    if overrides.plain:
        return Served(differences=_left_out(generation))
    pem = (
        _given(overrides.certificate)
        if overrides.certificate is not None
        else _captured(repository, generation)
    )
    if pem is None:
        return Served()
    url = overrides.external_url or generation.fingerprint.external_url
    judged = judge(pem, host_of(url), now)
    kept = Secret(pem.decode("ascii", "replace")) if judged.servable else None
    return Served(kept, judged.facts, _differences(judged, generation))


def standing_certificate(
    environment: model.Environment, generation: model.Generation, now: datetime
) -> Served:
    """The certificate that a standing environment serves; its key is not looked at."""
    if environment.certificate is None:
        return Served(differences=_left_out(generation))
    own_url = environment.external_url != environment.erp.url
    url = environment.external_url if own_url else generation.fingerprint.external_url
    judged = judge(environment.certificate.encode(), host_of(url), now, keyed=False)
    return Served(None, judged.facts, _differences(judged, generation))


def _differences(judged: Judged, generation: model.Generation) -> tuple[model.Difference, ...]:
    proxy = generation.fingerprint.proxy
    if judged.facts is None or proxy is None:
        return judged.differences
    return (*judged.differences, *other_certificate(proxy.certificate, judged.facts))


def _left_out(generation: model.Generation) -> tuple[model.Difference, ...]:
    """The note that production's certificate is not served."""
    proxy = generation.fingerprint.proxy
    if proxy is None or proxy.certificate is None:
        return ()
    text = message("the reverse proxy serves plain HTTP, without production's certificate")
    expected = short(proxy.certificate.sha256)
    return (model.Difference("certificate.other", model.Severity.NOTE, expected, "none", text),)


def _given(path: Path) -> bytes:
    try:
        with path.expanduser().open("rb") as file:
            return file.read(LONGEST)
    except OSError as error:
        raise NotFoundError(
            f"certificate {path} can't be read: {error.strerror}",
            "'pulumi config set certificate PATH' names one PEM: certificate, key, chain; "
            "'none' is plain HTTP",
        ) from error


def _captured(repository: Repository, generation: model.Generation) -> bytes | None:
    for artifact in generation.artifacts_of(model.ArtifactKind.CERTIFICATE):
        for entry in repository.read_index(generation, artifact):
            with repository.open(generation, artifact, entry) as file:
                content = file.read(LONGEST + 1)
            if len(content) > LONGEST:
                raise DamagedGenerationError(
                    f"{artifact.folder}/{entry.path} of generation {generation.id} is too large "
                    "for a certificate",
                    "choose another generation",
                )
            return content
    return None
