"""Names of the stack's outputs, shared by the program, the engine and the tests."""

from typing import Final

STACK: Final = "stack"
NETWORK: Final = "network"
DATABASE_CONTAINER: Final = "databaseContainer"
DATABASE_ADDRESS: Final = "databaseAddress"
DATABASE_PORT: Final = "databasePort"
DATABASE_SUPERUSER: Final = "databaseSuperuser"
DATABASE_PASSWORD: Final = "databasePassword"  # noqa: S105 - a name, not a password
ERP_CONTAINER: Final = "erpContainer"
ERP_ADDRESS: Final = "erpAddress"
ERP_PORT: Final = "erpPort"
ERP_ROLE: Final = "erpRole"
ERP_ROLE_PASSWORD: Final = "erpRolePassword"  # noqa: S105 - a name, not a password
ERP_URL: Final = "erpUrl"
EXTERNAL_URL: Final = "externalUrl"
REPOSITORY_MOUNT: Final = "repositoryMount"

ENVIRONMENT: Final = (
    STACK,
    NETWORK,
    DATABASE_CONTAINER,
    DATABASE_ADDRESS,
    DATABASE_PORT,
    DATABASE_SUPERUSER,
    DATABASE_PASSWORD,
    ERP_CONTAINER,
    ERP_ADDRESS,
    ERP_PORT,
    ERP_ROLE,
    ERP_ROLE_PASSWORD,
    ERP_URL,
    EXTERNAL_URL,
    REPOSITORY_MOUNT,
)
"""Outputs that describe the environment; the engine needs each."""

DATABASE_HOST: Final = "databaseHost"
ERP_HOST: Final = "erpHost"
"""Docker hosts of an environment whose network this machine isn't on; none where it is."""

RELAY: Final = "door"  # the name that stacks which stand have it under
"""Through which container the ERP's URL is reached; none where this machine reaches it."""

REPORTS: Final = "reports"
"""The reports server and its database server, in the words of ``ENVIRONMENT``; none without one."""

PURPOSE: Final = "purpose"
"""What the environment is for; none where it is for a recovery."""

ANONYMISED: Final = "anonymised"
"""True where every replay into the environment anonymises it; none elsewhere."""

PROXY_CONTAINER: Final = "proxyContainer"
CERTIFICATE: Final = "certificate"
"""The PEM that the reverse proxy serves, without its key; none where it serves plain HTTP."""

GENERATION: Final = "generation"
VERDICT: Final = "verdict"
REPORT: Final = "report"

REPOSITORY_PATH: Final = "/srv/repository"
"""Where the database server sees the backup repository, read-only."""
