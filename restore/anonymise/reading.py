"""From the text of rules to the value: validated, every error at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import yaml

from restore.anonymise.key import read_key
from restore.anonymise.rules import (
    EMAIL_DOMAIN,
    PLACEHOLDER,
    Anonymisation,
    Choice,
    ColumnRule,
    DocumentsRule,
    Kind,
    Rules,
    TableRule,
)
from restore.errors import NotFoundError, UsageError
from restore.model.codec import decode
from restore.model.schema import schema_errors

BUILTIN: Final = "builtin"
"""How the rules are named that ship for a profile."""


class _Loader(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error: the last one would win silently."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key in (one for one, _ in node.value if isinstance(one, yaml.ScalarNode)):
        if key.value in seen:
            raise yaml.MarkedYAMLError(
                problem=f"{key.value} stands here twice", problem_mark=key.start_mark
            )
        seen.add(key.value)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def rules_text(name: str, profile: str) -> str:
    """The text of rules: a file, or those that ship for a profile (``builtin``).

    Raises:
        NotFoundError: there are none.
        UsageError: the file can't be read.
    """
    if name == BUILTIN:
        file = resources.files("restore") / "anonymise" / "rules" / f"{profile}.yaml"
        if not file.is_file():
            raise NotFoundError(
                f"no rules of anonymisation ship for profile {profile}",
                "write a file of rules: docs/how-to/anonymisation.md",
            )
        return file.read_text(encoding="utf-8")
    try:
        return Path(name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(
            f"rules {name} do not exist", "give a file of rules, or 'builtin'"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"rules {name} can't be read: {error}") from error


def load_rules(name: str, profile: str) -> Rules:
    """Read rules: a file, or those that ship for a profile (``builtin``).

    Raises:
        NotFoundError: there are none.
        UsageError: they are wrong; all errors at once.
    """
    return parse_rules(rules_text(name, profile), name)


def parse_rules(text: str, source: str) -> Rules:
    """Turn the text of rules into ``Rules``; ``source`` names it in errors. Pure.

    Raises:
        UsageError: they are wrong; all errors at once.
    """
    if errors := rules_errors(text):
        raise UsageError(
            f"rules {source} are wrong:\n" + "\n".join(f"  {line}" for line in errors),
            "each option is described in restore/model/schemas/anonymisation.schema.json",
        )
    return _rules(yaml.load(text, _Loader))  # noqa: S506 - a safe loader


def rules_errors(text: str) -> tuple[str, ...]:
    """Everything that is wrong with the text of rules, as ``path: what is wrong``."""
    try:
        data = yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return (f"(top): not valid YAML: {error}",)
    if errors := schema_errors("anonymisation", data):
        return tuple(errors)
    return tuple(_placeholder_errors(data))


def _placeholder_errors(data: dict[str, Any]) -> Iterator[str]:
    known = sorted(kind.value for kind in Kind if kind is not Kind.NOTHING)
    places = {f"tables.{name}": table for name, table in data["tables"].items()}
    places |= {f"documents[{n}]": one for n, one in enumerate(data.get("documents", ()))}
    for path, table in places.items():
        for column, rule in table.get("columns", {}).items():
            for choice in (one for one in _choices(rule) if isinstance(one, dict)):
                for name in PLACEHOLDER.findall(choice.get("expression", "")):
                    if name not in known:
                        yield f"{path}.columns.{column}: no {{{name}}}; known: {', '.join(known)}"


def _rules(data: dict[str, Any]) -> Rules:
    return Rules(
        name=data["name"],
        tables=tuple(_table(name, table) for name, table in data["tables"].items()),
        documents=tuple(
            DocumentsRule(
                one["tree"],
                _table(one["table"], one),
                one.get("keep"),
                one.get("layout", "odoo"),
            )
            for one in data.get("documents", ())
        ),
        not_personal=tuple(data.get("not_personal", ())),
        email_domain=data.get("email_domain", EMAIL_DOMAIN),
    )


def _table(name: str, data: dict[str, Any]) -> TableRule:
    schema, _, table = name.rpartition(".")
    columns = tuple(
        ColumnRule(column, tuple(decode(Choice, one) for one in _choices(rule)))
        for column, rule in data.get("columns", {}).items()
    )
    return TableRule(schema or "public", table, columns, data.get("where"))


def _choices(rule: Any) -> list[Any]:
    return rule if isinstance(rule, list) else [rule]


def anonymisation_asked(
    rules: str | None,
    key_file: Path | None,
    profile: str,
    environment: Mapping[str, str] = os.environ,
) -> Anonymisation | None:
    """The anonymisation of ``--anonymise RULES --key-file FILE``; None when it is not asked for.

    Args:
        rules: a file of rules, or ``builtin`` for those that ship for the profile.
        key_file: None takes the key from the environment variable ``PRA_ANONYMISATION_KEY``.
        profile: the profile's name.

    Raises:
        NotFoundError: there is no such file, or no rules ship for the profile.
        UsageError: rules or key are wrong, or a key stands without rules.
    """
    if rules is None:
        if key_file is not None:
            raise UsageError("a key to anonymise by, and no rules", "add --anonymise builtin")
        return None
    return Anonymisation(load_rules(rules, profile), read_key(key_file, environment))
