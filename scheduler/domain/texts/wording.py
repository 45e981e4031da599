"""What our texts say, in English and French: our own words, and where the owner has put others, those.

They go out outside any request, so the words are templates in two languages and not gettext's. Each names the clinic and
never the treatment or the reason, and invites no word that Twilio takes for itself. Ours keep to GSM-7 (sms_segments.py),
and at the usual length to one part of 160 letters.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.phone import TWILIOS_WORDS
from scheduler.domain.texts.sms_segments import plain_typography, segments, spelled_in_gsm7

LONGEST = 480

_PLACE = re.compile(r"\{([a-z]+)\}")
_ANY_BRACE = re.compile(r"[{}]")


@dataclass(frozen=True, slots=True)
class Wording:
    """`required` and `optional`: the places that are filled in, of which a text must, or may, have each. `longest`: in
    letters."""

    en: str
    fr: str
    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    longest: int = LONGEST
    each_at_most: int = 2  # or the text, filled in, would be longer than the 1,600 letters that one may have

    @property
    def places(self) -> frozenset[str]:
        return self.required | self.optional


def _places(names: str) -> frozenset[str]:
    return frozenset(names.split())


HOW_TO_STOP: Mapping[str, str] = MappingProxyType(
    {
        "en": " Reply STOP to end all texts, sign-in codes too.",
        "fr": " Répondez ARRET pour ne plus recevoir de textos, codes compris.",
    }
)
"""At the end of the first text to a number, whatever else it says."""

WORDINGS: Mapping[str, Wording] = MappingProxyType(
    {
        "code": Wording(
            "{clinic}: your code is {code}. It works for {minutes} minutes.",
            "{clinic} : votre code est {code}. Il est valable {minutes} minutes.",
            _places("clinic code"),
            _places("minutes"),
        ),
        "confirmation": Wording(
            "{clinic}: you are booked on {day} at {time} with {practitioner}. Changes: {link} or {phone}",
            "{clinic} : rendez-vous le {day} à {time} avec {practitioner}. Changements : {link} ou {phone}",
            _places("clinic day time"),
            _places("practitioner link phone"),
        ),
        "moved": Wording(
            "{clinic}: your visit is now on {day} at {time} with {practitioner}. Changes: {link} or {phone}",
            "{clinic} : nouvelle date : le {day} à {time} avec {practitioner}. Changements : {link} ou {phone}",
            _places("clinic day time"),
            _places("practitioner link phone"),
        ),
        "reminder": Wording(
            "{clinic}: visit on {day} at {time} with {practitioner}. Reply C to confirm, M to change. {link} or {phone}",
            "{clinic} : rendez-vous {day} à {time} avec {practitioner}. Répondez C pour confirmer, "
            "M pour changer. {link} ou {phone}",
            _places("clinic day time"),
            _places("practitioner link phone"),
        ),
        "reminder-short": Wording(
            "{clinic}: visit on {day} at {time} with {practitioner}. Reply C to confirm, M to change, or call {phone}",
            "{clinic} : rendez-vous {day} à {time} avec {practitioner}. Répondez C pour confirmer, "
            "M pour changer, ou appelez le {phone}",
            _places("clinic day time"),
            _places("practitioner link phone"),
        ),
        "reminder-confirmed": Wording(
            "{clinic}: see you on {day} at {time} with {practitioner}. Reply M to change. {link} or {phone}",
            "{clinic} : rappel, {day} à {time} avec {practitioner}. Répondez M pour changer. {link} ou {phone}",
            _places("clinic day time"),
            _places("practitioner link phone"),
        ),
        "reminder-late": Wording(
            "{clinic}: visit on {day} at {time} with {practitioner}. Reply C to confirm. {link} Changes: call {phone}",
            "{clinic} : rendez-vous {day} à {time} avec {practitioner}. Confirmez par C ou {link} Changer : {phone}",
            _places("clinic day time phone"),
            _places("practitioner link"),
        ),
        "reminder-confirmed-late": Wording(
            "{clinic}: see you on {day} at {time} with {practitioner}. {link} To change it, call {phone}",
            "{clinic} : rappel, {day} à {time} avec {practitioner}. {link} Pour changer, appelez le {phone}",
            _places("clinic day time phone"),
            _places("practitioner link"),
        ),
        "displaced": Wording(
            "{clinic}: your visit on {day} at {time} must move. Choose a time: {link} or {phone}",
            "{clinic} : votre rendez-vous du {day} à {time} est à déplacer : {link} ou {phone}",
            _places("clinic day time link"),
            _places("practitioner phone"),
        ),
        "cancellation": Wording(
            "{clinic}: your visit on {day} at {time} is cancelled. To book again: {link} or {phone}",
            "{clinic} : votre rendez-vous du {day} à {time} est annulé. En prendre un autre : {link} ou {phone}",
            _places("clinic day time"),
            _places("practitioner link phone"),
        ),
        "confirmed": Wording(
            "{clinic}: thank you, your visit on {day} at {time} with {practitioner} is confirmed.",
            "{clinic} : merci, votre rendez-vous du {day} à {time} avec {practitioner} est confirmé.",
            _places("clinic day time"),
            _places("practitioner phone"),
        ),
        "move-link": Wording(
            "{clinic}: choose another time for your visit on {day} at {time}: {link} (works for {lasts})",
            "{clinic} : pour changer votre rendez-vous du {day} à {time} : {link} (valable {lasts})",
            _places("clinic link"),
            _places("day time practitioner phone lasts"),
        ),
        "moved-meanwhile": Wording(
            "{clinic}: that visit is now on {day} at {time} with {practitioner}. Reply C to confirm, M to change it.",
            "{clinic} : ce rendez-vous est maintenant le {day} à {time} avec {practitioner}. "
            "Répondez C pour confirmer, M pour changer.",
            _places("clinic day time"),
            _places("practitioner phone"),
        ),
        "too-late": Wording(
            "{clinic}: to change your visit on {day} at {time} with {practitioner}, please call {phone}.",
            "{clinic} : pour changer votre rendez-vous du {day} à {time} avec {practitioner}, appelez le {phone}.",
            _places("clinic phone"),
            _places("day time practitioner"),
        ),
        "begun": Wording(
            "{clinic}: your visit on {day} at {time} has begun or is over. To reach us: {phone}",
            "{clinic} : votre rendez-vous du {day} à {time} a commencé ou est passé. Pour nous joindre : {phone}",
            _places("clinic phone"),
            _places("day time practitioner"),
        ),
        "cancelled": Wording(
            "{clinic}: your visit on {day} at {time} is cancelled. To book another: {link} or {phone}",
            "{clinic} : votre rendez-vous du {day} à {time} est annulé. Pour en prendre un autre : {link} ou {phone}",
            _places("clinic day time"),
            _places("practitioner link phone"),
        ),
        "which": Wording(
            "{clinic}: which visit? Reply {choices}.",
            "{clinic} : lequel? Répondez {choices}.",
            _places("clinic choices"),
            each_at_most=1,
        ),
        "choice": Wording(
            "{letter} {number} for {day} {time}, {practitioner}",
            "{letter} {number} pour {day} {time}, {practitioner}",
            _places("letter number day time"),
            _places("practitioner"),
            longest=120,  # five of them stand in one text
            each_at_most=1,
        ),
        "help": Wording(
            "{clinic}: see or change your visits at {link} or call us at {phone}.",
            "{clinic} : pour voir ou changer vos rendez-vous : {link} ou {phone}.",
            _places("clinic phone"),
            _places("link"),
        ),
        "opt-out": Wording(
            "{clinic}: we will not text you any more. To reach us: {phone}.",
            "{clinic} : vous ne recevrez plus de textos de notre part. Pour nous joindre : {phone}.",
            _places("clinic phone"),
        ),
    }
)


_SHORTER: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    {
        ("confirmation", "en"): (
            "{clinic}: you are booked on {day} at {time} with {practitioner}. Changes: {link}",
            "{clinic}: you are booked on {day} at {time} with {practitioner}. Changes: {phone}",
        ),
        ("confirmation", "fr"): (
            "{clinic} : rendez-vous le {day} à {time} avec {practitioner}. Changements : {link}",
            "{clinic} : rendez-vous le {day} à {time} avec {practitioner}. Changements : {phone}",
        ),
        ("moved", "en"): (
            "{clinic}: your visit is now on {day} at {time} with {practitioner}. Changes: {link}",
            "{clinic}: your visit is now on {day} at {time} with {practitioner}. Changes: {phone}",
        ),
        ("moved", "fr"): (
            "{clinic} : nouvelle date : le {day} à {time} avec {practitioner}. Changements : {link}",
            "{clinic} : nouvelle date : le {day} à {time} avec {practitioner}. Changements : {phone}",
        ),
        ("reminder", "en"): (
            "{clinic}: visit on {day} at {time} with {practitioner}. Reply C to confirm, M to change. {link}",
        ),
        ("reminder", "fr"): (
            "{clinic} : rendez-vous {day} à {time} avec {practitioner}. Répondez C pour confirmer, "
            "M pour changer. {link}",
            "{clinic} : rendez-vous {day} à {time} avec {practitioner}. C confirme, M change, ou {link}",
        ),
        ("reminder-confirmed", "en"): (
            "{clinic}: see you on {day} at {time} with {practitioner}. Reply M to change. {link}",
            "{clinic}: see you on {day} at {time} with {practitioner}. Reply M to change, or call {phone}",
        ),
        ("reminder-confirmed", "fr"): (
            "{clinic} : rappel, {day} à {time} avec {practitioner}. Répondez M pour changer. {link}",
            "{clinic} : rappel, {day} à {time} avec {practitioner}. Répondez M pour changer, ou appelez le {phone}",
        ),
        ("reminder-late", "en"): (
            "{clinic}: visit on {day} at {time} with {practitioner}. Reply C to confirm. To change it, call {phone}",
        ),
        ("reminder-late", "fr"): (
            "{clinic} : rendez-vous {day} à {time} avec {practitioner}. Répondez C pour confirmer. "
            "Pour changer, appelez le {phone}",
        ),
        ("reminder-confirmed-late", "en"): (
            "{clinic}: see you on {day} at {time} with {practitioner}. To change it, call {phone}",
        ),
        ("reminder-confirmed-late", "fr"): (
            "{clinic} : rappel, {day} à {time} avec {practitioner}. Pour changer, appelez le {phone}",
        ),
        ("displaced", "en"): ("{clinic}: your visit on {day} at {time} must move. Choose a time: {link}",),
        ("displaced", "fr"): ("{clinic} : votre rendez-vous du {day} à {time} est à déplacer : {link}",),
    }
)
"""Ours, said in fewer letters: first without the telephone number, then without the link."""
_SHORTER_THAN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        WORDINGS[kind].fr if language == "fr" else WORDINGS[kind].en: texts
        for (kind, language), texts in _SHORTER.items()
    }
)


class BadWording(ValueError):
    """Says in one English sentence why the words will not do; `about` is the place or the word that it names."""

    def __init__(self, sentence: str, about: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.about = sentence, about


def language_of(language: str) -> str:
    """The one of our two that is written in."""
    return "fr" if language.startswith("fr") else "en"


def our_words(kind: str, language: str) -> str:
    wording = WORDINGS[kind]
    return wording.fr if language == "fr" else wording.en


def words(clinic: ClinicSettings, kind: str, language: str) -> str:
    """The owner's, or ours."""
    return clinic.texts.get((kind, language)) or our_words(kind, language)


def said_shorter(text: str) -> tuple[str, ...]:
    """Other words for when it would take a second part, from the fullest to the shortest. The owner's are left as they
    are."""
    return _SHORTER_THAN.get(text, ())


def is_reworded(clinic: ClinicSettings, kind: str, language: str) -> bool:
    return (kind, language) in clinic.texts


def still_good(texts: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Without those that an older version let pass and this one would not."""
    return {key: text for key, text in texts.items() if key[0] in WORDINGS and _is_good(key[0], text)}


def _is_good(kind: str, text: str) -> bool:
    try:
        checked(kind, text)
    except BadWording:
        return False
    return True


def filled(template: str, values: Mapping[str, str]) -> str:
    """The text as it goes out.

    What is filled in loses the accents that GSM-7 lacks, and typographic marks become plain ones, where that makes fewer
    parts; the other letters of the template, and what cannot be spelled in GSM-7, stay as they are.
    """
    text = _fill(template, values)
    spelled = _fill(
        plain_typography(template), {name: spelled_in_gsm7(value) or value for name, value in values.items()}
    )
    return spelled if segments(spelled) < segments(text) else text


def in_one_part(texts: Iterable[str]) -> str:
    """The first that is; the first of those with the fewest parts when none is."""
    longer = []
    for text in texts:
        if segments(text) == 1:
            return text
        longer.append(text)
    return min(longer, key=segments)


def checked(kind: str, typed: str) -> str:
    """As it is kept. Refuses with BadWording."""
    lines = unicodedata.normalize("NFC", typed).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    text, wording = "\n".join(line.rstrip() for line in lines).strip(), WORDINGS[kind]
    if not text:
        raise BadWording("Write something first.")
    if len(text) > wording.longest:
        raise BadWording("This is too long: %(about)s letters at most.", str(wording.longest))
    if any(not letter.isprintable() and letter not in "\n\u00a0\u202f\u200d" for letter in text):
        raise BadWording("There is a sign in it that cannot be seen. Type the text anew.")
    used = Counter(_PLACE.findall(text))
    for name in used:
        if name not in wording.places:
            raise BadWording("This text has nothing to put in the place of %(about)s.", f"{{{name}}}")
        if used[name] > wording.each_at_most:
            raise BadWording("%(about)s stands in this text too often.", f"{{{name}}}")
    if _ANY_BRACE.search(_PLACE.sub("", text)):
        raise BadWording("Braces are for the places that are filled in, like {clinic}.")
    for name in sorted(wording.required - used.keys()):
        raise BadWording("%(about)s is missing: the text must have it.", f"{{{name}}}")
    invited = invited_word(text)
    if invited:
        raise BadWording("Twilio takes %(about)s for itself, to stop or to begin texts. Ask for another word.", invited)
    return text


_INVITING = re.compile(
    r"\b(?:reply|answer|text|send|type|write|r[ée]pon(?:d|se)\w*|envoy\w+|text(?:ez|er|o)\w*|[ée]cri(?:vez|re)|tap(?:ez|er))\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]+")
_LETTERS = re.compile(r"[^\W\d_]+")


def invited_word(text: str) -> str | None:
    """One of Twilio's words that a reader might send: in capitals anywhere, or however written where an answer is asked for."""
    for sentence in _SENTENCE.findall(_PLACE.sub(" ", text)):
        inviting = _INVITING.search(sentence)
        for found in _LETTERS.finditer(sentence):
            word = found[0]
            asked_for = word.isupper() or (inviting is not None and found.start() > inviting.start())
            if asked_for and word.upper() in TWILIOS_WORDS:
                return word
    return None


def _fill(template: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), template)
