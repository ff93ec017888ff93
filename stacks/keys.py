"""Every setting of a stack, described once: name, type, default, what it does, an example.

The reference page and the list of known keys are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NAMESPACE: Final = "pra"
DEFAULT_SHARED_MEMORY_MB: Final = 256


@dataclass(frozen=True, slots=True)
class Key:
    """One setting, as the reference documents it.

    ``default`` is a text for people; "required" and "none" are said in full.
    """

    name: str
    type: str
    default: str
    description: str
    example: str = "(secret)"
    secret: bool = False


KEYS: Final = (
    Key(
        "generation",
        "text",
        "required",
        "The generation to replay: an id, a unique beginning of one, `latest`, or "
        "`latest-before` with a date. Changing it replaces the servers and replays again.",
        "latest",
    ),
    Key(
        "repository",
        "path",
        ".pra/repository",
        "The backup repository; a relative path starts at the project's folder. The database "
        "server sees it read-only.",
        "/srv/backups/erp",
    ),
    Key(
        "profile",
        "text",
        "odoo",
        "The ERP's profile: the name of one that ships, or the path of a YAML file.",
        "odoo",
    ),
    Key(
        "databases",
        "list of texts",
        "all",
        "Restore only these databases of the generation.",
        '["specibike_prod"]',
    ),
    Key(
        "purpose",
        "`recovery` or `staging`",
        "recovery",
        "What the environment is for. Every replay into one for `staging` neutralises it before "
        "the ERP starts, and gives the account of `checkLogin` the password `checkPassword`: it "
        "must not be production's.",
        "staging",
    ),
    Key(
        "anonymise",
        "`builtin` or path",
        "none",
        "The rules by which every replay into a staging copy anonymises it before the ERP starts: "
        "those that ship for the profile, or a file; a relative path starts at the project's "
        "folder. It needs `anonymisationKey`, and `purpose` staging. Changing it replays again; "
        "a file that is edited does not.",
        "builtin",
    ),
    Key(
        "anonymisationKey",
        "text",
        "none",
        "The key that decides replacements, of 16 characters or more: with the same one, the same "
        "original has the same replacement in every copy. Changing it replays again.",
        secret=True,
    ),
    Key(
        "keep",
        "boolean",
        "false",
        "The environment is meant to stay: its servers start again with the Docker engine.",
        "true",
    ),
    Key(
        "onlyGeneration",
        "boolean",
        "false",
        "The database server sees the chosen generation alone, not the whole repository. A drill "
        "that is not kept sets it; a stack that stands may be given another generation later.",
        "true",
    ),
    Key(
        "replay",
        "boolean",
        "true",
        "Whether `pulumi up` itself replays the generation and checks it. `pra drill` sets it to "
        "false, since it replays by itself.",
        "false",
    ),
    Key(
        "replace",
        "boolean",
        "the opposite of `keep`",
        "Whether a replay may replace a database that is there already. Where people work in the "
        "environment, leave it false: a new generation would take their work away.",
        "true",
    ),
    Key(
        "subnet",
        "IPv4 network",
        "a /24 of 10.192.0.0/10 derived from the stack's name",
        "The internal network's subnet: private, from /16 to /28. The gateway takes its first "
        "address, the database server the second, the ERP the third, the proxy the fourth, "
        "a reports server's database server the fifth, the reports server the sixth.",
        "10.20.30.0/24",
    ),
    Key(
        "hosts",
        "object",
        "all `local`",
        "The Docker host of each server: `database`, `erp`, `proxy`, `reportsDatabase`, `reports`; "
        "an `ssh://` or `unix://` URL, or `local`, the engine that `pra` uses. Several hosts "
        "must be in one swarm, the proxy's as a manager: see docs/how-to/ops.md.",
        '{"database": "ssh://root@db-rescue"}',
    ),
    Key(
        "repositoryPaths",
        "object",
        "the repository's own path",
        "Where the hosts of `database` and `reportsDatabase` see the backup repository: absolute "
        "paths. A replay refuses a host that sees another one.",
        '{"database": "/mnt/backups/erp"}',
    ),
    Key(
        "encryptOverlay",
        "boolean",
        "true",
        "Whether traffic between several Docker hosts is encrypted (IPsec, in their kernels).",
        "false",
    ),
    Key(
        "externalUrl",
        "URL",
        "the address published on this machine",
        "The URL at which people reach the ERP, when something in front of it has another one.",
        "https://erp-rescue.example.org",
    ),
    Key(
        "certificate",
        "path, or `none`",
        "the generation's",
        "The certificate that the reverse proxy serves, in place of production's: one PEM with "
        "certificate, key and chain, outside the backups. `none`, or a generation without one, is "
        "plain HTTP. A relative path starts at the project's folder.",
        "/etc/ssl/private/erp-rescue.pem",
    ),
    Key(
        "httpPort",
        "port",
        "a free one, chosen by Docker",
        "The port of 127.0.0.1 at which this machine reaches the ERP.",
        "8080",
    ),
    Key(
        "sizes",
        "object",
        "no limits",
        "Limits of the servers: `databaseMemoryMb`, `databaseCpus`, `databaseSharedMemoryMb` "
        f"({DEFAULT_SHARED_MEMORY_MB} if not given), `erpMemoryMb`, `erpCpus`.",
        '{"databaseMemoryMb": 2048, "databaseCpus": 1.5}',
    ),
    Key(
        "databaseImage",
        "image",
        "the generation's",
        "The database server's image, in place of the generation's.",
        "postgres:13.22",
    ),
    Key(
        "erpImage",
        "image",
        "the generation's",
        "The ERP server's image, in place of the generation's.",
        "odoo:14.0",
    ),
    Key(
        "proxyImage",
        "image",
        "the generation's, if it is nginx",
        "The reverse proxy's image: nginx, with curl or wget.",
        "nginx:1.28",
    ),
    Key(
        "reportsDatabaseImage",
        "image",
        "the generation's",
        "The image of the reports server's own database server, in place of the generation's.",
        "postgres:16.4",
    ),
    Key(
        "reportsImage",
        "image",
        "the generation's",
        "The reports server's image, in place of the generation's.",
        "registry.example.org/jasperserver:7.2.0",
    ),
    Key(
        "checkLogin",
        "text",
        "admin",
        "The ERP account that checks log in with. It needs `checkPassword`.",
        "drill",
    ),
    Key(
        "checkPassword",
        "text",
        "none",
        "That account's password. Without it nobody logs in, so `pulumi up` replays nothing "
        "unless the login is left out on purpose (`accept`).",
        secret=True,
    ),
    Key(
        "reportsLogin",
        "text",
        "jasperadmin",
        "The reports server's account, as which its data sources are changed and reports "
        "rendered. It needs `reportsPassword`.",
        "jasperadmin",
    ),
    Key(
        "reportsPassword",
        "text",
        "none",
        "That account's password. A generation with a reports server needs it.",
        secret=True,
    ),
    Key(
        "databasePassword",
        "text",
        "generated once",
        "The database superuser's password. Changing it makes a new, empty database server.",
        secret=True,
    ),
    Key(
        "erpPassword",
        "text",
        "generated once",
        "The password of the ERP's database role. Changing it replays again.",
        secret=True,
    ),
    Key(
        "accept",
        "list of objects",
        "[]",
        "Differences and checks that are accepted, each with its written reason: `difference` "
        "and `reason`.",
        '[{"difference": "postgresql.minor", "reason": "same major, approved by IT"}]',
    ),
    Key(
        "jobs",
        "integer",
        "number of cores",
        "How many jobs restore in parallel, from 1 to 64. The largest tables go first.",
        "4",
    ),
    Key(
        "reports",
        "path",
        ".pra/reports",
        "The folder that receives reports; a relative path starts at the project's folder.",
        "/var/lib/pra/reports",
    ),
    Key(
        "rtoBudget",
        "duration",
        "the profile's, or none",
        "The longest recovery time that is accepted: a replay that takes longer fails. `pra drill` "
        "and `pra restore` heed it too.",
        "15m",
    ),
    Key(
        "rpoBudget",
        "duration",
        "the profile's, or none",
        "How old the newest generation may be: a replay of `latest` that is older fails. `pra "
        "drill` and `pra restore` heed it too. Without one, the report warns beyond 48 hours.",
        "26h",
    ),
    Key(
        "requireSigned",
        "boolean",
        "false",
        "Refuse a generation whose manifest no trusted key has signed. `pra drill` and `pra "
        "restore` heed it too.",
        "true",
    ),
    Key(
        "coldEvery",
        "number of days",
        "7",
        "A drill loads the databases from their dumps, whatever copies are kept, when the last "
        "such drill that passed is older. 0 is always. For `pra drill` alone: a restore, or "
        "`pulumi up`, never uses a copy.",
        "1",
    ),
    Key("language", "`en` or `fr`", "en", "The language of the report.", "fr"),
)
"""Every setting, in the order in which the reference shows them."""
