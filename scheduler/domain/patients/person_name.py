"""Names of people, in any script: what can be kept, and what is tidied away."""

import re
import unicodedata

LONGEST = 100  # letters

CONTROLS = r"\x00-\x1f\x7f-\x9f"
# Spaces of all kinds, joiners, marks of direction and fillers: a name needs something else besides.
UNSEEN = (
    r"\x20\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    r"\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
)
PATTERN = rf"^[^{CONTROLS}]*[^{CONTROLS}{UNSEEN}][^{CONTROLS}]*$"
"""A regular expression in the words that Python and JSON Schema share."""

_SEEN = re.compile(rf"[^{CONTROLS}{UNSEEN}\ud800-\udfff]")
_TO_SPACE = re.compile(rf"[{CONTROLS}\ud800-\udfff]")
# They turn the reading direction of what follows, or show nothing. (Joiners belong to words of several scripts.)
_DROPPED = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffc\ufffe\uffff]")


# What is left of UTF-8 that was read as Windows-1252: "Ã©" was "é".
_GARBLED = re.compile(
    f"[ÃÂÅ][\x80-\xbf{bytes(set(range(0x80, 0xA0)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}).decode('cp1252')}]"
)
_BESIDES_LETTERS = frozenset(" '’‘ʼ`´.-‐‑–\u200c\u200d")  # the last two are joiners, which belong to words


_WHITESPACE = frozenset("\t\n\v\f\r")  # a cell may hold several lines; FileMaker ends them with a vertical tab
_SHOWING_NOTHING = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def is_garbled(name: str) -> bool:
    return _GARBLED.search(name) is not None


def is_no_name(name: str) -> bool:
    """Whether there is anything in it but letters and marks of any script, and what stands between words of a name.

    Ask before `tidy_name`, which makes a space of a control character: there it is a letter that was read wrongly.
    """
    return any(not _may_stand_in_a_name(sign) for sign in _SHOWING_NOTHING.sub("", name))


def with_controls_shown(name: str) -> str:
    return re.sub(f"[{CONTROLS}]", "\ufffd", name)


def _may_stand_in_a_name(sign: str) -> bool:
    if sign in _BESIDES_LETTERS or sign in _WHITESPACE:
        return True
    return unicodedata.category(sign)[0] in "LMZ" and sign != "ˆ"  # a letter to Unicode, alone in no name


def tidy_name(name: str) -> str:
    """Without stray spaces and control characters; empty when nothing is left to see."""
    tidied = " ".join(_DROPPED.sub("", _TO_SPACE.sub(" ", name)).split())
    return tidied if _SEEN.search(tidied) else ""
