"""The backup's fingerprint against an environment's, one property at a time."""

from dataclasses import replace
from typing import Any

import pytest

from fixtures.plans.cases import database, generation, same_facts
from restore.errors import UsageError
from restore.model import (
    Acceptance,
    DatabaseLocale,
    Difference,
    EnvironmentFacts,
    Fingerprint,
    ImageFacts,
    ServerFacts,
    Severity,
    Versioned,
)
from restore.plan.equivalence.compare import accept, compare, is_difference_key, series_difference
from restore.plan.equivalence.locales import locale_key
from restore.profile import load_profile

MADE = generation(database("specibike_prod"))
BACKUP = MADE.fingerprint
SAME = same_facts(MADE)
NOTHING_KNOWN = EnvironmentFacts(ServerFacts("", 0, None, None), ServerFacts("", 0, None, None), "")


def keys(facts: EnvironmentFacts, backup: Fingerprint = BACKUP) -> dict[str, str]:
    return {item.key: item.severity.value for item in compare(backup, facts)}


def postgresql(version: str, number: int) -> EnvironmentFacts:
    return replace(
        SAME, postgresql=replace(SAME.postgresql, version=version, version_number=number)
    )


def backup_of(**changes: Any) -> Fingerprint:
    return replace(BACKUP, databases=(replace(BACKUP.databases[0], **changes),))


def test_the_same_environment_has_no_difference() -> None:
    assert compare(BACKUP, SAME) == ()


def test_what_is_not_known_makes_no_difference() -> None:
    assert compare(BACKUP, NOTHING_KNOWN) == ()


@pytest.mark.parametrize(
    ("version", "number", "expected"),
    [
        ("12.20", 120020, {"postgresql.major": "blocking"}),
        ("9.6.24", 90624, {"postgresql.major": "blocking"}),
        ("15.1", 150001, {"postgresql.major": "warning"}),
        ("13.15", 130015, {"postgresql.minor": "warning"}),
        ("13.23", 130023, {"postgresql.minor": "warning"}),
        ("13.16", 130016, {}),
    ],
)
def test_postgresql_versions(version: str, number: int, expected: Any) -> None:
    assert keys(postgresql(version, number)) == expected


def test_before_version_10_the_second_number_decides() -> None:
    old = replace(
        BACKUP, postgresql=replace(BACKUP.postgresql, version="9.6.1", version_number=90601)
    )
    assert keys(postgresql("9.5.25", 90525), old) == {"postgresql.major": "blocking"}
    assert keys(postgresql("9.6.24", 90624), old) == {"postgresql.minor": "warning"}


def test_a_patch_level_says_in_which_direction() -> None:
    (older,) = compare(BACKUP, postgresql("13.15", 130015))
    (newer,) = compare(BACKUP, postgresql("13.23", 130023))
    assert "an older" in older.message
    assert "a newer" in newer.message
    assert (newer.expected, newer.observed) == ("13.16 (Debian 13.16-0+deb11u1)", "13.23")


def test_an_encoding_that_the_server_lacks_blocks() -> None:
    (item,) = compare(BACKUP, replace(SAME, encodings=("SQL_ASCII",)))
    assert (item.key, item.severity) == ("postgresql.encoding", Severity.BLOCKING)
    assert "specibike_prod" in item.message


def test_a_locale_that_the_server_lacks_blocks_once() -> None:
    facts = replace(SAME, collations=(Versioned("C", ""),))
    two = replace(BACKUP, databases=(database("a"), database("b")))
    assert keys(facts, two) == {"postgresql.collation:fr_FR.UTF-8": "blocking"}


def test_a_locale_of_character_types_counts_too() -> None:
    assert keys(SAME, backup_of(ctype="de_DE.utf8")) == {
        "postgresql.collation:de_DE.utf8": "blocking"
    }


@pytest.mark.parametrize("name", ["C", "POSIX"])
def test_some_locales_are_always_there(name: str) -> None:
    facts = replace(SAME, collations=())
    assert keys(facts, backup_of(collate=name, ctype=name)) == {}


@pytest.mark.parametrize(
    ("there", "here", "expected"),
    [
        ("2.31", "2.36", {"postgresql.collation-version:fr_FR.UTF-8": "warning"}),
        ("2.31", "2.31", {}),
        ("2.31", "", {}),
        (None, "2.36", {}),
    ],
)
def test_collation_versions(there: str | None, here: str, expected: Any) -> None:
    facts = replace(SAME, collations=(Versioned("fr_FR.utf8", here),))
    assert keys(facts, backup_of(collation_version=there)) == expected


ICU = (
    Versioned("fr_FR.utf8", "2.41"),
    Versioned("icu:fr", "153.14"),
    Versioned("icu:und", "153.14"),
    Versioned("builtin:C.UTF-8", ""),
)


@pytest.mark.parametrize(
    ("locale", "version", "expected"),
    [
        (DatabaseLocale("icu", "fr-FR-u-kn"), "153.14", {}),
        (DatabaseLocale("icu", "und-u-ks-level2"), "153.14", {}),
        (
            DatabaseLocale("icu", "fr-FR"),
            "153.120",
            {"postgresql.collation-version:icu:fr-FR": "warning"},
        ),
        (
            DatabaseLocale("libc"),
            "2.36",
            {"postgresql.collation-version:fr_FR.UTF-8": "warning"},
        ),
        (DatabaseLocale("builtin", "C.UTF-8"), "1", {}),
        (
            DatabaseLocale("builtin", "PG_UNICODE_FAST"),
            "1",
            {"postgresql.collation:builtin:PG_UNICODE_FAST": "blocking"},
        ),
    ],
)
def test_a_database_may_sort_by_other_rules_than_the_systems(
    locale: Any, version: str, expected: Any
) -> None:
    facts = replace(SAME, collations=ICU)
    assert keys(facts, backup_of(locale=locale, collation_version=version)) == expected


def test_a_server_without_icu_blocks_a_database_that_sorts_by_it() -> None:
    backup = backup_of(locale=DatabaseLocale("icu", "fr-FR"), collation_version="153.14")
    facts = replace(SAME, collations=ICU[:1])
    assert keys(facts, backup) == {"postgresql.collation:icu:fr-FR": "blocking"}
    accepted = accept(compare(backup, facts), [Acceptance("postgresql.collation:icu:fr-FR", "x")])
    assert accepted[0].accepted == "x"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("en_US.UTF-8", "en_US.utf8", True),
        ("en_US", "en_US.utf8", False),
        ("fr_FR.ISO-8859-15@euro", "fr_FR.iso885915@euro", True),
        ("fr_FR.UTF-8", "fr_CA.UTF-8", False),
        ("fr_FR@euro", "fr_FR", False),
    ],
)
def test_locale_names(one: str, other: str, same: bool) -> None:
    assert (locale_key(one) == locale_key(other)) is same


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        ((), {"postgresql.extension:unaccent": "blocking"}),
        ((Versioned("unaccent", "1.0"),), {"postgresql.extension:unaccent": "warning"}),
        ((Versioned("unaccent", "1.1"), Versioned("pg_trgm", "1.5")), {}),
    ],
)
def test_extensions(available: Any, expected: Any) -> None:
    assert keys(replace(SAME, extensions=available)) == expected


def test_another_series_of_the_erp_blocks_and_its_release_is_not_named_too() -> None:
    facts = replace(SAME, erp_series="15.0", erp=replace(SAME.erp, version="15.0.1"))
    assert keys(facts) == {"erp.series": "blocking"}


def test_another_release_of_the_same_series_warns() -> None:
    assert keys(replace(SAME, erp=replace(SAME.erp, version="14.0.1"))) == {
        "erp.release": "warning"
    }


def test_each_missing_module_blocks() -> None:
    (item,) = compare(BACKUP, replace(SAME, modules=("base",)))
    assert (item.key, item.severity) == ("erp.module:sale", Severity.BLOCKING)
    assert item.expected == "14.0.1.1"


def test_operating_systems_and_images_warn() -> None:
    other = ImageFacts("pra/other:1", "sha256:" + "9" * 64)
    server = replace(SAME.postgresql, os="Debian 12", image=other)
    facts = replace(SAME, postgresql=server, erp=replace(SAME.erp, os="Debian 12", image=other))
    assert keys(facts) == {
        "os.database": "warning",
        "os.erp": "warning",
        "image.database": "warning",
        "image.erp": "warning",
    }
    shown = {item.key: item for item in compare(BACKUP, facts)}["image.database"]
    assert shown.observed == "pra/other:1 (999999999999)"


def test_blocking_differences_come_first() -> None:
    facts = replace(postgresql("13.23", 130023), modules=("base",), encodings=())
    severities = [item.severity for item in compare(BACKUP, facts)]
    assert severities == sorted(severities)


def test_the_profile_must_know_the_series() -> None:
    profile = load_profile("odoo")
    assert series_difference(BACKUP, profile) == ()
    (item,) = series_difference(replace(BACKUP, erp_series="19.0"), profile)
    assert (item.key, item.severity, item.observed) == ("erp.series", Severity.BLOCKING, "14.0")


def test_every_key_that_is_made_can_be_accepted() -> None:
    facts = EnvironmentFacts(
        ServerFacts("12.1", 120001, "x", ImageFacts("i", "1")),
        ServerFacts("15", 0, "x", ImageFacts("i", "1")),
        "15.0",
        extensions=(),
        collations=(),
        encodings=(),
        modules=(),
    )
    made = {item.key for item in compare(BACKUP, facts)}
    assert len(made) == 11
    assert all(is_difference_key(key) for key in made)


def test_an_accepted_difference_holds_its_reason_and_no_longer_blocks() -> None:
    differences = compare(BACKUP, replace(SAME, modules=()))
    accepted = accept(differences, [Acceptance("erp.module:sale", " no longer sold ")])
    assert {item.key: (item.accepted, item.blocks) for item in accepted} == {
        "erp.module:base": (None, True),
        "erp.module:sale": ("no longer sold", False),
    }


def test_an_acceptance_of_what_is_not_there_has_no_effect() -> None:
    assert accept((), [Acceptance("os.erp", "known")]) == ()


@pytest.mark.parametrize("key", ["erp.modul:sale", "erp.module:", "documents.attachments", ""])
def test_an_unknown_key_is_an_error(key: str) -> None:
    assert not is_difference_key(key)
    with pytest.raises(UsageError, match="names no difference") as caught:
        accept((), [Acceptance(key, "because")])
    assert "erp.module:NAME" in caught.value.hint


def test_an_acceptance_without_reason_is_an_error() -> None:
    with pytest.raises(UsageError, match="without a reason"):
        accept((), [Acceptance("os.erp", "  ")])


def test_an_unaccepted_warning_does_not_block() -> None:
    assert not Difference("os.erp", Severity.WARNING, "a", "b", "c").blocks
