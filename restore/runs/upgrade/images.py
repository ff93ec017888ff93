"""Images of the servers that a rehearsal upgrades to: at hand before anything is made."""

from __future__ import annotations

from restore.adapters.docker.engine import DockerException
from restore.adapters.docker.runner import Runner
from restore.errors import NotFoundError
from restore.model import Role
from restore.model.messages import message
from restore.profile import Profile


def require_image(runner: Runner, image: str) -> None:
    """Make sure that the Docker engine has an image; pull it if it has not.

    A rehearsal would else end there, after all that a restore takes.

    Raises:
        NotFoundError: it has none, and none can be had.
        EnvironmentFailure: the engine does not answer.
    """
    if runner.image(image) is not None:
        return
    try:
        runner.client.images.pull(image)
    except (DockerException, OSError) as error:
        why = getattr(error, "explanation", None) or error
        raise NotFoundError(
            message(
                "image {image} is not on the Docker engine, and can't be pulled: {why}",
                image=image,
                why=why,
            ),
            message("name the new version's image: --to, --to-database"),
        ) from error


def declared_version(runner: Runner, profile: Profile, role: Role, image: str) -> str:
    """The version that an image of the ERP or of its database server declares, if it is there."""
    found = runner.image(image)
    if found is None:
        return ""
    if role is Role.DATABASE:
        return found.variables.get(profile.database.version_variable, "")
    release = found.variables.get(profile.erp.release_variable or "", "")
    return release or found.variables.get(profile.erp.version_variable, "")
