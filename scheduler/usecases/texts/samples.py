"""What a text will look like: filled in for visits that nobody has, with ordinary names and with long ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.sign_in.code_text import fill_in_line
from scheduler.domain.texts.sms_segments import segments
from scheduler.domain.texts.wording import WORDINGS, filled, in_one_part, said_shorter, words
from scheduler.usecases.texts.visit_texts import DAY_PATTERNS, day_words, time_words

CODE, LINK_KEY = "012345", "k3Qv9tXw2LrB7sYc5"  # as long as real ones
_VISITS = {
    "ordinary": (datetime.fromisoformat("2026-12-08T17:30"), "Maya"),
    "long": (datetime.fromisoformat("2026-09-23T12:45"), "Marie-Françoise"),
}
_LINKS = {"help": "/me", "cancelled": "/book", "cancellation": "/book"}


@dataclass(frozen=True, slots=True)
class Sample:
    """`ways`: what is filled in, from the fullest to the shortest. `tail` follows where there is room for it."""

    name: str
    ways: tuple[Mapping[str, str], ...]
    tail: str = ""


def samples(kind: str, language: str, clinic: ClinicSettings) -> list[Sample]:
    return [
        Sample(
            name,
            tuple(_ways(kind, language, clinic, starts_local, practitioner)),
            fill_in_line(clinic.public_url, CODE) if kind == "code" else "",
        )
        for name, (starts_local, practitioner) in _VISITS.items()
        if name == "ordinary" or {"day", "practitioner", "choices"} & WORDINGS[kind].places
    ]


def sample_text(template: str, sample: Sample) -> str:
    """As it would go out."""
    templates = (template, *said_shorter(template))
    text = in_one_part(filled(each, way) for each, way in product(templates, sample.ways))
    whole = text + sample.tail
    return whole if segments(whole) == 1 else text


def _ways(
    kind: str, language: str, clinic: ClinicSettings, starts_local: datetime, practitioner: str
) -> Sequence[Mapping[str, str]]:
    patterns = DAY_PATTERNS[language][-1:] if kind == "choice" else DAY_PATTERNS[language]
    kept = {
        "clinic": clinic.name,
        "phone": clinic.phone,
        "practitioner": practitioner,
        "time": time_words(starts_local, language),
        "link": clinic.public_url + _LINKS.get(kind, f"/m/{LINK_KEY}"),
        "lasts": "48 h",
        "code": CODE,
        "minutes": "10",
        "letter": "C",
        "number": "1",
    }
    if kind == "which":
        kept["choices"] = _choices(language, clinic, starts_local, practitioner)
    used = WORDINGS[kind].places
    ways = ({**kept, "day": day_words(starts_local.date(), pattern, language)} for pattern in patterns)
    return [{name: value for name, value in way.items() if name in used} for way in ways]


def _choices(language: str, clinic: ClinicSettings, starts_local: datetime, practitioner: str) -> str:
    template = words(clinic, "choice", language)
    hours = (starts_local - timedelta(hours=2), starts_local)
    values = [_ways("choice", language, clinic, at, practitioner)[0] for at in hours]
    return "; ".join(filled(template, {**value, "number": str(number)}) for number, value in enumerate(values, start=1))
