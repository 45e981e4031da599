"""The words of a visit in the patient's own calendar: neutral, because calendars are seen by others."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import tzdata  # type: ignore[import-untyped]  # ships no types
from flask_babel import force_locale
from flask_babel import gettext as _

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.gateways import ical, zone_rules
from scheduler.gateways.ical import CalendarVisit
from scheduler.queries import feeds
from scheduler.queries.feeds import FeedVisit


@dataclass(frozen=True, slots=True)
class CalendarWords:
    """`fingerprint` changes with any of the words, with the settings in them, and with the program that writes them."""

    language: str
    summary: str
    location: str
    description: str
    zone: str
    url: str
    fingerprint: bytes = b""
    changed_at: datetime | None = None
    changes: int = 0


@lru_cache(maxsize=16)
def calendar_words(clinic: ClinicSettings, language: str) -> CalendarWords:
    """In `language`, whatever the language of the request: Google's servers ask, not the patient."""
    url = f"{clinic.public_url}/me"
    with force_locale(language):
        words = (
            language,
            clinic.name,
            clinic.address,
            "\n".join(
                (
                    _("Your visits, to move or cancel one: %(link)s", link=url),
                    _("Telephone: %(phone)s", phone=clinic.phone),
                )
            ),
            clinic.zone,
            url,
        )
    since = (clinic.calendar_changed_at, clinic.calendar_changes)
    fingerprint = _digest(repr((words, since)).encode() + _program())
    return CalendarWords(*words, fingerprint, *since)


def last_changed_at(visit: FeedVisit, words: CalendarWords) -> datetime:
    """Of the visit itself, or of what every visit says of the clinic."""
    return visit.changed_at if words.changed_at is None else max(visit.changed_at, words.changed_at)


def calendar_visit(visit: FeedVisit, words: CalendarWords) -> CalendarVisit:
    return CalendarVisit(
        uid=visit.public_id,
        sequence=visit.version - 1 + words.changes,
        changed_at=last_changed_at(visit, words),
        starts_local=visit.starts_local,
        minutes=visit.minutes,
        zone=visit.zone,
        summary=words.summary,
        location=words.location,
        description=words.description,
        url=words.url,
        language=words.language,
        cancelled=visit.status == "cancelled",
    )


@lru_cache(maxsize=1)
def _program() -> bytes:
    """What the bytes of a calendar depend on besides words and visits: a new release must not be answered by 304."""
    sources = (Path(str(module.__file__)).read_bytes() for module in (ical, zone_rules, feeds))
    releases = f"{version('icalendar')} {tzdata.IANA_VERSION}".encode()
    return _digest(b"\x1f".join((*sources, Path(__file__).read_bytes(), releases)))


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
