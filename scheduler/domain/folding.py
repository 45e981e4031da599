"""Names as they are looked for: without accents, case and punctuation, in any script."""

import re
import unicodedata

LONGEST_WORD = 40
MOST_WORDS = 16

# Letters that Unicode does not take apart.
_PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})
_JOINING = re.compile(r"[''’ʼ`´\-‐‑–.]")  # D’Amico, Jean-Pierre, J.P.: typed with them, without, or with a space


def fold(text: str) -> str:
    """ "Ó’Briain" → "o’briain": marks dropped, compatible letters made one, case ignored."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    bare = "".join(sign for sign in apart if not unicodedata.category(sign).startswith(("M", "Cf")))
    return unicodedata.normalize("NFKC", bare).casefold()


def typed_words(text: str) -> list[str]:
    """The words of what was typed, in its order; what an apostrophe or hyphen joins is one."""
    return [word[:LONGEST_WORD] for word in _split(_JOINING.sub("", fold(text)))]


def words_of(*names: str) -> list[str]:
    """Every word under which a name is found: "Ó’Briain" by "o", "briain" and "obriain". No more than `MOST_WORDS`."""
    found: dict[str, None] = {}
    for name in names:
        found |= dict.fromkeys(typed_words(name))
    for name in names:
        found |= dict.fromkeys(word[:LONGEST_WORD] for word in _split(fold(name)))
    return list(found)[:MOST_WORDS]


def _split(text: str) -> list[str]:
    return "".join(sign if sign.isalnum() else " " for sign in text).split()
