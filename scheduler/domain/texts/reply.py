"""What a patient's text asks for. Pure: words in, intent out.

Only what cannot mean anything else is acted upon ("C", "ok merci", "M 2"); a text with a word more than that ("ok but can
I come at 5?") is for people to read. What a telephone or mail program puts below by itself ("Sent from my iPhone") is no
word of its sender's. Words that Twilio takes for itself (STOP, YES, AIDE …) never get here: phone.py.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

from scheduler.domain.folding import fold
from scheduler.domain.phone import InboundWord, bare_letters, inbound_word

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
_RULE = re.compile(r"-{2,}|[–—]+|_{2,}")  # a telephone makes one dash of two hyphens
_SENT_FROM = re.compile(
    r"(?:sent (?:from|via|with|using)|envoye (?:de|d|depuis|via|avec|par|a partir de|a partir d)) (.+)"
)
_GET_OUTLOOK = re.compile(r"(get|obtenir|obtenez|telecharger|telechargez) outlook (for|pour) (ios|android|mobile)")
_OUTLOOKS_LINK = re.compile(r"<?https://aka\.ms/\w+>?$")
_DEVICES = frozenset(
    "iphone ipad ipod android samsung galaxy huawei pixel motorola xperia oneplus nokia blackberry outlook gmail yahoo "
    "mobile cell phone cellphone smartphone tablet device appareil telephone cellulaire portable tablette".split()
)
# Beside a device, in what the makers and carriers of telephones put there. No word that could say anything of a visit.
_BESIDE_DEVICES = frozenset(
    "my mon ma the l apple google mail app application for pour on sur over ios windows pro max plus ultra mini edge air "
    "se intelligent bell telus rogers fido verizon canada s largest network wireless lte".split()
)
_MODEL = re.compile(r"[a-z]{0,2}\d{1,3}g?")


def read_reply(body: str, names: Set[str] = frozenset()) -> Reply | None:
    """None: somebody has to read it. `names`: the folded words of those that its sender may sign with."""
    body = without_signature(body, names)
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


def without_signature(body: str, names: Set[str] = frozenset()) -> str:
    """What stands above a signature that says nothing: "Sent from my iPhone" and its kin, or a line of dashes with one of
    `names` below. All of it when anything else stands there; whoever signs may have gone on writing."""
    lines = body.splitlines()
    while lines and (not lines[-1].strip() or _is_put_there(lines[-1])):
        del lines[-1]
    for at, line in enumerate(lines):
        if _RULE.fullmatch(line.strip()):
            is_name = all(set(_WORD.findall(fold(below))) <= names for below in lines[at + 1 :])
            return without_signature("\n".join(lines[:at]), names) if is_name else "\n".join(lines)
    return "\n".join(lines)


def is_signed_stop(body: str) -> bool:
    """STOP, ARRET … above a signature. Twilio knows them as a text's only word and would go on delivering ours. Not
    CANCEL, whose sender may mean the visit."""
    word = without_signature(body)
    is_signed = inbound_word(body) is None
    return is_signed and inbound_word(word) is InboundWord.STOP and bare_letters(word) != "CANCEL"


def _is_put_there(line: str) -> bool:
    words = re.findall(r"\w+", fold(_OUTLOOKS_LINK.sub("", line.strip())))
    sent_from = _SENT_FROM.fullmatch(" ".join(words))
    if sent_from is None:
        return _GET_OUTLOOK.fullmatch(" ".join(words)) is not None
    named = set(sent_from[1].split())
    others = named - _DEVICES - _BESIDE_DEVICES
    return bool(named & _DEVICES) and all(_MODEL.fullmatch(word) for word in others)


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
