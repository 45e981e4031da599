"""What a patient's text asks for. Pure: words in, intent out.

Only what cannot mean anything else is acted upon ("C", "ok merci", "M 2"); a text with a word more than that ("ok but can
I come at 5?") is for people to read. Words that Twilio takes for itself (STOP, YES, AIDE …) never get here: phone.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from scheduler.domain.folding import fold
from scheduler.domain.phone import inbound_word

ATTACHED = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Kept in a text's body for each picture or other file that came with it; the files themselves stay at the provider."""

NO_WORDS = "\N{SYMBOL FOR NULL}"
"""Kept as the body of a text that came without words and files: an empty one has been blanked."""


class Wish(StrEnum):
    CONFIRM = "confirm"
    AGREE = "agree"
    """OK, OUI: a yes to what was asked, and no more than "I have read it" where nothing was."""
    MOVE = "move"
    CHOOSE = "choose"
    """A number alone: the answer to "which of these?"."""
    WRONG_NUMBER = "wrong-number"


@dataclass(frozen=True, slots=True)
class Reply:
    """`place`: which of the visits that were numbered, counted from 1; none when no number was given."""

    wish: Wish
    place: int | None = None


_CONFIRM = frozenset("c confirm confirmed confirming confirme confirmer confirmez confirmee".split())
_AGREE = frozenset("ok okay okey oki oui".split())
_MOVE = frozenset("m move moving reschedule change changer deplacer deplace reporter modifier bouger".split())
# Said along with them, and changing nothing. No "not", "cannot" or "pas".
_COURTESY = frozenset(
    "thanks thank you thx ty merci beaucoup please pls svp s il vous te plait great perfect parfait super hello hi bonjour "
    "i je j my mon ma the le la visit visite appointment appt rendez vous rdv my it for pour number numero".split()
)
_WANTING = frozenset("want need would like to can could veux voudrais aimerais peux puis on dois".split())
_WRONG = re.compile(
    r"\b(wrong (number|phone|person)|not (my|the right) number|(mauvais|faux|pas le bon|erreur de|trompez de) (numero|no)"
    r"|(mauvaise|pas la bonne) personne)\b"
)
_WORD = re.compile(r"[^\W\d_]+|\d+")
_LARGEST_PLACE = 9


def read_reply(body: str) -> Reply | None:
    """None: somebody has to read it."""
    if inbound_word(body) is not None:
        return None
    words = _WORD.findall(fold(body))
    if _WRONG.search(" ".join(words)):
        return Reply(Wish.WRONG_NUMBER)
    numbers = [int(word) for word in words if word.isdecimal()]
    said = {word for word in words if not word.isdecimal()}
    if len(numbers) > 1 or any(not 1 <= number <= _LARGEST_PLACE for number in numbers):
        return None
    place = numbers[0] if numbers else None
    wish = _wish(said, place)
    return Reply(wish, place) if wish else None


def _wish(said: set[str], place: int | None) -> Wish | None:
    if said & _CONFIRM and said <= _CONFIRM | _AGREE | _COURTESY:
        return Wish.CONFIRM
    if said & _AGREE and said <= _AGREE | _COURTESY:
        return Wish.AGREE
    if said & _MOVE and said <= _MOVE | _COURTESY | _WANTING:
        return Wish.MOVE
    if place is not None and said <= _COURTESY:
        return Wish.CHOOSE
    return None
