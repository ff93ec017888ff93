"""Anonymisation of copies: rules, the key, and what they do to a database and to documents.

The same original gives the same replacement in every table and every database, so that joins and
duplicates survive; which one, only who has the key can tell.
"""

from restore.anonymise.key import read_key
from restore.anonymise.reading import (
    BUILTIN,
    anonymisation_asked,
    load_rules,
    rules_errors,
    rules_text,
)
from restore.anonymise.rules import Anonymisation, Rules

__all__ = [
    "BUILTIN",
    "Anonymisation",
    "Rules",
    "anonymisation_asked",
    "load_rules",
    "read_key",
    "rules_errors",
    "rules_text",
]
