"""A drill's own account in its throw-away environment: a login that needs none of production's."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from typing import Final

from restore.adapters.postgres import sql
from restore.checks.base import describe
from restore.context import ReplayContext
from restore.errors import EnvironmentFailure, ReplayError
from restore.model import Credentials
from restore.model.messages import message
from restore.model.secret import Secret
from restore.plan.neutralise import administrator, session_options
from restore.profile import Profile
from restore.runs.recorder import Recorder
from restore.runs.request import ReplayRequest

_BYTES: Final = 18
_SALT: Final = 16


def with_own_account(request: ReplayRequest, profile: Profile) -> ReplayRequest:
    """A drill's request that logs in with an account of its own; production's is tried beside it.

    The request as it is, where the profile does not say how such an account is made.
    """
    if not profile.web.own:
        return request
    made = Credentials(f"pra-{secrets.token_hex(4)}", Secret(secrets.token_urlsafe(_BYTES)))
    return replace(request, credentials=made, production=request.credentials, own=True)


def put_own_account(
    context: ReplayContext, request: ReplayRequest, recorder: Recorder
) -> ReplayRequest:
    """Put a drill's account into every restored database; without one, production's has to do.

    Returns:
        The request, whose credentials are those that are there to log in with.
    """
    if not request.own or request.credentials is None:
        return request
    try:
        for database in context.databases:
            _put(context, request.credentials, database)
    except (sql.Error, EnvironmentFailure, ReplayError) as error:
        # Of the backup, this tells nothing.
        recorder.warnings += (
            message("no account of the drill's own could be made: {error}", error=describe(error)),
        )
        return replace(request, credentials=request.production, production=None, own=False)
    return request


def _put(context: ReplayContext, account: Credentials, database: str) -> None:
    """Run the profile's statements in one database, all or none.

    Raises:
        ReplayError: there is nobody whose like could be made.
    """
    options = session_options(administrator(account, os.urandom(_SALT)))
    server = context.environment.database
    with sql.connect(server, database, options=options) as connection, connection.transaction():
        for number, statement in enumerate(context.profile.web.own):
            if connection.execute(statement.encode()).rowcount == 0 and number == 0:
                raise ReplayError(
                    message("database {name} has no user to make one like", name=database)
                )
