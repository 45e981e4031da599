"""What a number looks like on a page, and which one-word replies Twilio and we obey. Pure text; see gateways for
what is a valid number."""

from __future__ import annotations

import unicodedata
from enum import StrEnum


class InboundWord(StrEnum):
    STOP = "stop"
    START = "start"
    HELP = "help"


# Twilio's opt-out, opt-in and help words, with the French ones.
_WORDS = {
    InboundWord.STOP: "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT ARRET",
    InboundWord.START: "START UNSTOP YES",
    InboundWord.HELP: "HELP INFO AIDE",
}
_WORD_OF = {text: word for word, texts in _WORDS.items() for text in texts.split()}
TWILIOS_WORDS = frozenset((*_WORD_OF, "ARRÊT"))
"""None of our texts may ask for them."""


def inbound_word(body: str) -> InboundWord | None:
    """The word when it is the whole message. Case, accents, spaces and punctuation do not matter: "Arrêt." is one."""
    return _WORD_OF.get(bare_letters(body))


def bare_letters(body: str) -> str:
    """ "« Arrêt. »" → "ARRET"."""
    letters = (letter for letter in unicodedata.normalize("NFKD", body) if letter.isalnum())
    return "".join(letters).upper()


def masked(number: str) -> str:
    """Enough for its owner to recognise, not enough for anybody else: "•••-•••-0142"."""
    digits = [sign for sign in number if sign.isdigit()]
    return "•••-•••-" + "".join(digits[-4:]) if len(digits) >= 10 else "•••"
