"""How e-mail addresses and IBANs are told in a text. Pure."""

from __future__ import annotations

from typing import Final

EMAIL: Final = r"([[:alnum:]_][[:alnum:]._%+''-]*@[[:alnum:]-]+(?:\.[[:alnum:]-]+)+)"
"""An address, as a POSIX expression in an SQL string; it needs a dot after the @."""

LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
"""Letters and digits of an IBAN, by country."""

_COUNTRIES: Final = "|".join(
    f"[{letters[0]}{letters[0].lower()}][{letters[1]}{letters[1].lower()}]"
    for letters in sorted(LENGTHS)
)

PAIR: Final = "[A-Za-z]{2}[0-9]{2}"
MAYBE_IBAN: Final = r"\m[A-Za-z]{2}[0-9]{2}[ .-]?[A-Za-z0-9]{4}[ .-]?[A-Za-z0-9]{4}"
"""What every IBAN matches, the first at less cost than the second, that at less than the whole."""

IBAN: Final = rf"\m((?:{_COUNTRIES})[0-9]{{2}}(?:[[:space:].-]?[A-Za-z0-9]){{11,30}})"
"""An IBAN, perhaps with more behind it: its country tells where it ends."""
