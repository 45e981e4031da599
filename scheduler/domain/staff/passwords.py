"""Which passwords will do: long ones. No rules about digits or capitals, which make people write them down."""

import re
from collections.abc import Iterable

from scheduler.domain.folding import fold

SHORTEST, LONGEST = 12, 200

TOO_SHORT = "Use at least 12 characters: three or four words do well."
TOO_LONG = "Use at most 200 characters."
TOO_COMMON = (
    "This password is among the first that anybody would try. Use three or four words that do not belong together."
)
TOO_PLAIN = "This password repeats itself too much. Use three or four words that do not belong together."
WITH_NAME = "This password is little more than a name that everybody here knows. Add some words of your own."

FEWEST_DIFFERENT = 5  # characters
LEFT_OVER = 4  # letters and digits that turn a common word into something of one's own

# What people type most when asked for a password, by our own observation: words, names, and walks over the keys.
COMMON = frozenset(
    """
    password passwort motdepasse mdp pass secret secrets letmein welcome bienvenue bonjour hello iloveyou jetaime
    admin administrator administrateur root user owner login signin reception receptionist desk clinic clinique physio
    physiotherapy physiotherapie therapy therapist appointment scheduler ims dryneedling changeme change default test
    testing demo temp temporary guest master monkey dragon sunshine soleil princess football hockey baseball canada
    ontario toronto ottawa montreal quebec summer winter spring autumn ete hiver printemps automne january february
    march april may june july august september october november december monday tuesday wednesday thursday friday
    saturday sunday love amour maison family famille computer internet superman batman starwars pokemon freedom
    whatever trustno shadow michael jennifer qwerty azerty qwertz asdf zxcv qaz wsx edc abc abcd one two three four
    the my is this
    """.split()
)
WALKS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "azertyuiop", "qwertzuiop")
_LOOKALIKES = str.maketrans("0134578@$", "oieastbas")
_YEAR = re.compile(r"(19|20)\d\d")
_SHORTEST_WALK = 3


def password_problem(password: str, *, names: Iterable[str] = ()) -> str | None:
    """What is wrong with it, as an English sentence; `names` are those of the person and the clinic."""
    if len(password) < SHORTEST:
        return TOO_SHORT
    if len(password) > LONGEST:
        return TOO_LONG
    if len(set(password)) < FEWEST_DIFFERENT:
        return TOO_PLAIN
    known = {word for name in names for word in re.findall(r"\w+", fold(name)) if len(word) > 2}
    # Both as typed and with 0 for o, $ for s …: "passw0rd" is "password".
    typed = _YEAR.sub("", fold(password))
    readings = [re.sub(r"[\W_]", "", text) for text in (typed, typed.translate(_LOOKALIKES))]
    if any(_left_of(text, COMMON) < LEFT_OVER for text in readings):
        return TOO_COMMON
    if known and any(_left_of(text, COMMON | known) < LEFT_OVER for text in readings):
        return WITH_NAME
    return TOO_PLAIN if _is_one_piece_again_and_again(password) else None


def _left_of(text: str, words: frozenset[str] | set[str]) -> int:
    """How many letters are left when common words and walks over the keys are taken out."""
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, " ")
    for walk in WALKS:
        for way in (walk, walk[::-1]):
            for length in range(len(way), _SHORTEST_WALK - 1, -1):
                for begin in range(len(way) - length + 1):
                    text = text.replace(way[begin : begin + length], " ")
    text = re.sub(r"(.)\1{2,}", " ", text)
    return len(text.replace(" ", ""))


def _is_one_piece_again_and_again(password: str) -> bool:
    return any(
        len(password) % size == 0 and password[:size] * (len(password) // size) == password
        for size in range(1, len(password) // 2 + 1)
        if size < 8
    )
