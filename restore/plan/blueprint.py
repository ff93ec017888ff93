"""The equivalent environment that a generation asks for, computed before anything is made. Pure.

``configuration_texts`` alone reads, through the repository that it is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from restore import model
from restore.errors import DamagedGenerationError
from restore.model.parts import reports_generation
from restore.plan.configuration import files
from restore.plan.configuration.erp_login import erp_login
from restore.plan.configuration.postgresql_safe import reconcile_postgresql
from restore.profile import Profile
from restore.repository import Repository

PROXY_IMAGE: Final = "pra/nginx:1.18"
POSTGRESQL_PORT: Final = 5432
DATA_VOLUME: Final = "data"
CONFIG_FILE: Final = "/etc/postgresql/postgresql.conf"
HBA_FILE: Final = "/etc/postgresql/pg_hba.conf"

LONGEST_CONFIGURATION: Final = 4 << 20
"""Bytes of a configuration file above which it is none."""

HBA: Final = """\
# Written by the restore engine: production's own rules name production's addresses.
# Inside the container, maintenance needs no password; over the network, every role needs one.
local  all  all  trust
host   all  all  all  scram-sha-256
"""

_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]*")
_NO_ROLE: Final = frozenset({"", "False", "None", "false"})


def configuration_texts(
    repository: Repository, generation: model.Generation, profile: Profile
) -> files.ConfigurationTexts:
    """Read the configuration files that a generation holds and its profile knows.

    Raises:
        DamagedGenerationError: one is missing, or too large to be a configuration file.
    """
    texts = tuple(_texts(repository, generation, profile))
    reports = reports_generation(generation)
    if reports is None or profile.reports is None:
        return texts
    others = _texts(repository, reports, profile.reports.server)
    return (*texts, *(replace(item, part=model.Part.REPORTS) for item in others))


def _texts(
    repository: Repository, generation: model.Generation, profile: Profile
) -> Iterator[files.ConfigurationText]:
    known = {(file.server, file.name) for file in profile.configuration}
    for artifact in generation.artifacts_of(model.ArtifactKind.CONFIGURATION):
        for entry in repository.read_index(generation, artifact):
            server = artifact.name.removeprefix("configuration-")
            if server not in tuple(model.Role) or (model.Role(server), entry.path) not in known:
                continue
            source = f"{artifact.folder}/{entry.path}"
            with repository.open(generation, artifact, entry) as file:
                content = file.read(LONGEST_CONFIGURATION + 1)
            if len(content) > LONGEST_CONFIGURATION:
                raise DamagedGenerationError(
                    f"{source} of generation {generation.id} is too large for a configuration file",
                    "choose another generation",
                )
            yield files.ConfigurationText(
                entry.path, model.Role(server), source, files.decode(content)
            )


def blueprint(
    generation: model.Generation,
    profile: Profile,
    texts: files.ConfigurationTexts,
    images: Mapping[model.Role, str] | None = None,
) -> model.Blueprint:
    """Compute what the stack must know to rebuild the servers as the generation had them.

    Args:
        images: images to use instead of the generation's, by role.

    Raises:
        DamagedGenerationError: the manifest's locale or encoding is none.
    """
    chosen = images or {}
    fingerprint = generation.fingerprint
    proxy = fingerprint.proxy
    configuration = _postgresql(generation, profile, texts)
    reports = _reports(generation, profile, texts, chosen)
    return model.Blueprint(
        generation=generation.id,
        profile=profile.name,
        erp_role=erp_role(generation, profile, texts),
        database=model.ServerBlueprint(
            image=_image(
                chosen.get(model.Role.DATABASE),
                fingerprint.postgresql.image,
                profile.database.image,
            ),
            entrypoint=(),
            command=("postgres", "-c", f"config_file={CONFIG_FILE}", "-c", f"hba_file={HBA_FILE}"),
            port=POSTGRESQL_PORT,
            # Over TCP: the server that prepares a new cluster listens on its socket only.
            health=("pg_isready", "-h", "127.0.0.1", "-U", profile.database.superuser),
            mounts=(model.Mount(DATA_VOLUME, profile.database.data),),
            uploads=(
                model.Upload(CONFIG_FILE, files.presentable(configuration.text)),
                model.Upload(HBA_FILE, HBA),
            ),
            # Where its volume is, whatever the image's own place.
            environment=(f"PGDATA={profile.database.data}", *_initdb(generation)),
        ),
        erp=model.ServerBlueprint(
            image=_image(chosen.get(model.Role.ERP), fingerprint.erp.image, profile.erp.image),
            entrypoint=profile.erp.entrypoint,
            command=profile.erp.command,
            port=profile.erp.port,
            health=profile.erp.health,
            mounts=profile.erp.data,
            user=profile.erp.user,
        ),
        # Another program than nginx could not take the site that is written for it.
        proxy_image=_image(
            chosen.get(model.Role.PROXY),
            proxy.server.image if proxy and proxy.server.version else None,
            PROXY_IMAGE,
        ),
        changes=(*configuration.changes, *(reports.changes if reports else ())),
        reports=reports,
    )


def _reports(
    generation: model.Generation,
    profile: Profile,
    texts: files.ConfigurationTexts,
    images: Mapping[model.Role, str],
) -> model.Blueprint | None:
    """The blueprint of the reports server and its database server, by the same rules."""
    reports = reports_generation(generation)
    if reports is None or profile.reports is None:
        return None
    chosen = {role.as_erp: image for role, image in images.items() if role.as_erp}
    made = blueprint(reports, profile.reports.server, files.reports_texts(texts), chosen)
    return replace(made, changes=files.reports_changes(made.changes))


def erp_role(
    generation: model.Generation, profile: Profile, texts: files.ConfigurationTexts
) -> str:
    """The role that the ERP logs in with: its configuration's, else the main database's owner.

    The profile's own name when an imported generation tells neither.

    Raises:
        DamagedGenerationError: the generation tells neither.
    """
    for file in profile.configuration_of(model.Role.ERP):
        held = files.find_text(texts, file)
        if held is None:
            continue
        role = erp_login(held.text, file, profile.erp).role
        if role is not None and role not in _NO_ROLE:
            return files.presentable(role)
    for facts in generation.fingerprint.databases:
        # No ERP works as the superuser; a backup made by others may not tell any owner.
        own = facts.owner not in ("", profile.database.superuser)
        return facts.owner if own or generation.origin is None else profile.name
    raise DamagedGenerationError(
        f"generation {generation.id} holds no database", "choose another generation"
    )


def _image(chosen: str | None, recorded: model.ImageFacts | None, default: str) -> str:
    return chosen or (recorded.reference if recorded else "") or default


def _postgresql(
    generation: model.Generation, profile: Profile, texts: files.ConfigurationTexts
) -> files.Reconciled:
    wanted = (model.Part.ERP, model.Role.DATABASE, "postgresql.conf")
    held = [item.text for item in texts if (item.part, item.server, item.name) == wanted]
    version = generation.fingerprint.postgresql.version_number
    text = held[0] if held else None
    return reconcile_postgresql(text, profile.database.data, HBA_FILE, version)


def _initdb(generation: model.Generation) -> tuple[str, ...]:
    """The cluster's own locale and encoding: those of the main database, which is the first."""
    for facts in generation.fingerprint.databases:
        options = (
            ("--encoding", facts.encoding),
            ("--lc-collate", facts.collate),
            ("--lc-ctype", facts.ctype),
        )
        known = {option: word for option, word in options if word or generation.origin is None}
        for word in known.values():
            # The image gives these words to a shell.
            if not _WORD.fullmatch(word):
                raise DamagedGenerationError(
                    f"the manifest of generation {generation.id} gives database {facts.name} "
                    f"the locale or encoding {word!r}, which is none",
                    "choose another generation",
                )
        arguments = " ".join(f"{option}={word}" for option, word in known.items())
        return (f"POSTGRES_INITDB_ARGS={arguments}",) if arguments else ()
    return ()
