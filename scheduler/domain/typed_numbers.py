"""Numbers and codes as telephones and other programs write them: with marks that nobody sees, or digits of many kinds.

A number pasted from a contact comes between marks of direction (U+202A), with hyphens that do not break (U+2011), or
typed as emoji: "6️⃣" is 6 followed by two marks.
"""

from __future__ import annotations

import unicodedata

_ELSE = str.maketrans(
    {"\u2212": "-", "\uff0b": "+"} | dict.fromkeys("\u00b7\u2027\u2022\uff0e", ".")
)  # minus, plus, dots


def plain_number(text: str) -> str:
    """The same text without marks, with digits 0 to 9, one kind of hyphen and one kind of space."""
    return "".join(_plain(sign) for sign in text.translate(_ELSE)).strip()


def typed_code(text: str) -> str:
    """The letters and digits of a code, whatever was typed around them: "123 456.", "123‑456"."""
    return "".join(sign for sign in plain_number(text) if not _is_around(sign))


def _plain(sign: str) -> str:
    if sign.isascii():
        return sign
    kind = unicodedata.category(sign)
    if kind == "Nd":
        return str(unicodedata.decimal(sign))
    if kind == "Pd":
        return "-"
    if kind.startswith("Z"):
        return " "
    return "" if kind.startswith("M") or kind == "Cf" else sign


def _is_around(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "PZC"
