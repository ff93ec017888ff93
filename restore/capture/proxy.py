"""What is captured of how people reach an ERP: the reverse proxy's certificate, the URL."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from restore.adapters.docker.facts import read_proxy_facts
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres.facts import optional_rows
from restore.adapters.postgres.sql import connect
from restore.capture.source import resolve
from restore.errors import NotFoundError, ReplayError, UsageError
from restore.model import ArtifactKind, CertificateFacts, DatabaseServer, ProxyFacts
from restore.plan.equivalence.certificate import judge
from restore.profile import Profile
from restore.repository.base import ArtifactSpec, GenerationWriter
from restore.repository.transfer import store_file

NAME: Final = "certificate"
FILE: Final = "certificate.pem"


def capture_proxy(
    runner: Runner, container: str, profile: Profile, writer: GenerationWriter, now: datetime
) -> ProxyFacts:
    """Store the certificate that a reverse proxy serves, byte for byte, and tell of the proxy.

    An expired one is stored as well: a drill will say so.

    Raises:
        UsageError: the profile doesn't say where the certificate is.
        ReplayError: it is not there, or is no certificate with its key.
    """
    path = profile.proxy.certificate
    if path is None:
        raise UsageError(
            f"profile {profile.name} does not say where the reverse proxy's certificate is",
            "add proxy.certificate to the profile, or leave --proxy-container away",
        )
    facts = _certificate(runner, container, path, now)
    spec = ArtifactSpec(
        name=NAME, kind=ArtifactKind.CERTIFICATE, database=None, location=path, folder=NAME
    )
    with writer.artifact(spec) as artifact:
        store_file(runner.read_archive(container, resolve(runner, container, path)), artifact, FILE)
    return ProxyFacts(read_proxy_facts(runner, container), facts)


def external_url(
    server: DatabaseServer, databases: tuple[str, ...], profile: Profile
) -> str | None:
    """The URL at which people reach the ERP, as its main database says; None when it is mute."""
    query = profile.proxy.external_url
    if query is None:
        return None
    with connect(server, databases[0], as_erp=True) as connection:
        found = optional_rows(connection, query)
    return str(found[0][0] or "").strip() or None if found else None


def _certificate(runner: Runner, container: str, path: str, now: datetime) -> CertificateFacts:
    try:
        content = runner.read_file(container, resolve(runner, container, path))
    except NotFoundError as error:
        raise ReplayError(
            f"reverse proxy {container} has no certificate {path}",
            "does the profile name the right path? it is one PEM with certificate, key and chain",
        ) from error
    judged = judge(content, None, now)
    if judged.facts is None or not judged.servable:
        wrong = [item.message for item in judged.differences if item.key == "certificate.key"]
        raise ReplayError(
            f"{path} of reverse proxy {container} is no PEM to serve: {'; '.join(wrong)}",
            "put certificate, key and chain into one PEM, in this order",
        )
    return judged.facts
