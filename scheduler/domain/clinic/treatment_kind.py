"""What a treatment is: an assessment, IMS, or something else; and which names sound like IMS."""

from enum import StrEnum

from scheduler.domain.folding import fold, typed_words


class TreatmentKind(StrEnum):
    """IMS is only for patients cleared for it, by practitioners who may needle, and never less than seven days apart.

    Who is new is led to an assessment.
    """

    ASSESSMENT = "assessment"
    IMS = "ims"
    OTHER = "other"


_WORDS = frozenset({"ims", "sim", "gunn"})
_BEGINNINGS = ("needl", "dryneedl", "aiguill", "punctur", "ponctur", "ponction", "acupunct", "acuponct")
_PHRASES = ("intramuscular stim", "intra muscular stim", "stimulation intramusculaire", "stimulation intra musculaire")


def sounds_like_ims(*names: str) -> bool:
    """Whether one of the names is how people call IMS or another treatment with needles, in any case and with or
    without accents: "IMS", "I.M.S.", "SIM", "Dry-needling", "Puncture sèche", "Aiguilles"."""
    return any(_sounds(name) for name in names)


def _sounds(name: str) -> bool:
    words = typed_words(name)  # what a hyphen or full stop joins is one word here, and two below
    apart = "".join(sign if sign.isalnum() else " " for sign in fold(name)).split()
    letters = "".join(word if len(word) == 1 else f" {word} " for word in apart).split()  # "I M S" is IMS
    every = {*words, *apart, *letters}
    if any(word in _WORDS or word.rstrip("0123456789") in _WORDS or word.startswith(_BEGINNINGS) for word in every):
        return True
    joined = " ".join(apart)
    return any(phrase in joined for phrase in _PHRASES)
