"""Anonymisation of copies: rules, the key, and what they do to a database and to documents.

The same original gives the same replacement in every table and every database, so that joins and
duplicates survive; which one, only who has the key can tell.
"""

from restore.anonymise.key import read_key as read_key
from restore.anonymise.reading import BUILTIN as BUILTIN
from restore.anonymise.reading import anonymisation_asked as anonymisation_asked
from restore.anonymise.reading import load_rules as load_rules
from restore.anonymise.reading import rules_errors as rules_errors
from restore.anonymise.reading import rules_text as rules_text
from restore.anonymise.rules import Anonymisation as Anonymisation
from restore.anonymise.rules import Rules as Rules
