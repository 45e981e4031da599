"""Calendar addresses: a patient's subscription, and one visit as a file.

Calendars poll all day and nearly always nothing has changed: that answer costs one SELECT and builds nothing.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from flask import Blueprint, Response, abort, current_app, request

from scheduler import clock
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.extensions import clinic_settings, db
from scheduler.gateways.ical import calendar_bytes, event_bytes
from scheduler.models import Appointment
from scheduler.queries.feeds import FeedState, FeedVisit, SingleVisit, feed_state, feed_visits, single_visit
from scheduler.queries.patients.known_browsers import is_open_to
from scheduler.web.access import declare
from scheduler.web.patient.sign_in.session import opened
from scheduler.web.requests.unchanged import Unchanged, is_as_old, is_known
from scheduler.web.words.calendar_file import calendar_visit, calendar_words, last_changed_at

blueprint = Blueprint("feeds", __name__)
declare(blueprint, "public")  # the token, or the key, is what lets in

KEPT_DAYS = 366
CANCELLED_DAYS = 14
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,48}")  # nothing else is worth a look in the database

HEADERS = {
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


@blueprint.get("/feeds/<token>.ics")
def feed(token: str) -> Response:
    """A patient's visits from a year ago on; cancelled ones for two weeks."""
    if not TOKEN.fullmatch(token):
        abort(404)
    state = feed_state(db.engine, token)
    if state is None:
        abort(404)
    clinic = clinic_settings()
    # What ages out of the feed does so at midnight, so that the day is all an ETag needs to know of the time.
    today = clock.to_local(clock.now(), clock.zone(clinic.zone)).date()
    midnight_at = _midnight_at(today, clinic)
    etag = _feed_etag(state, clinic, today)
    if is_known(etag):
        return Unchanged(etag, HEADERS)
    words, visits = calendar_words(clinic, state.language), _feed_visits(state, clinic, today)
    changed_at = max((last_changed_at(each, words) for each in visits), default=midnight_at)
    changed_at = max(changed_at, midnight_at)  # what is no visit's change shows by the next day at the latest
    if is_as_old(changed_at):
        return Unchanged(etag, HEADERS)
    content = calendar_bytes(
        [calendar_visit(each, words) for each in visits], name=f"{clinic.name} – {state.given_name}", zone=clinic.zone
    )
    return _calendar(content, etag, changed_at, "visits.ics")


@blueprint.get("/appointments/<public_id>.ics")
def visit(public_id: str) -> Response:
    """One visit to put into a calendar: for its patient signed in, or by the key in the link that we gave out."""
    if not TOKEN.fullmatch(public_id):
        abort(404)
    with db.reading.connect() as connection:
        found = single_visit(connection, public_id)
    if found is None or not _may_see(found):
        abort(404)
    words = calendar_words(clinic_settings(), found.language)
    etag = _etag(f"visit {public_id} {found.visit.version}", words.fingerprint)
    changed_at = last_changed_at(found.visit, words)
    if is_known(etag) or is_as_old(changed_at):
        return Unchanged(etag, HEADERS)
    return _calendar(event_bytes(calendar_visit(found.visit, words)), etag, changed_at, "visit.ics")


def visit_key(visit: Appointment) -> str:
    """What makes a link to a visit's file work in a calendar app, where nobody is signed in. As long as the number and the
    calendar address of its patient stay what they are."""
    patient = visit.patient
    assert patient  # noqa: S101 - for the type: a hold has no file
    secret: str = current_app.config["SECRET_KEY"]
    return _key(secret, visit.public_id, patient.phone_account_id, patient.feed_token)


def _key(secret: str, public_id: str, account_id: int | None, feed_token: str) -> str:
    about = f"visit.ics\x1f{public_id}\x1f{account_id}\x1f{feed_token}"
    return hmac.new(secret.encode(), about.encode(), hashlib.sha256).hexdigest()[:32]


def _may_see(found: SingleVisit) -> bool:
    key = request.args.get("key")
    # A parent may have the key. Whoever is signed in is asked about below.
    if key is not None and not found.is_private and _is_key(key, found):
        return True
    visitor = opened()
    return visitor is not None and is_open_to(db.session(), visitor, found.visit.public_id)


def _is_key(key: str, found: SingleVisit) -> bool:
    """Of today's SECRET_KEY or of an earlier one: a link that was given out goes on working."""
    secrets = [current_app.config["SECRET_KEY"], *current_app.config["SECRET_KEY_FALLBACKS"]]
    about = (found.visit.public_id, found.phone_account_id, found.feed_token)
    return any(hmac.compare_digest(key.encode(), _key(secret, *about).encode()) for secret in secrets)


def _feed_visits(state: FeedState, clinic: ClinicSettings, today: date) -> Sequence[FeedVisit]:
    with db.reading.connect() as connection:
        return feed_visits(
            connection,
            state.patient_id,
            since_at=_midnight_at(today - timedelta(days=KEPT_DAYS), clinic),
            cancelled_since_at=_midnight_at(today - timedelta(days=CANCELLED_DAYS), clinic),
        )


def _midnight_at(day: date, clinic: ClinicSettings) -> datetime:
    return clock.to_utc_or_near(datetime.combine(day, time.min), clock.zone(clinic.zone))


def _feed_etag(state: FeedState, clinic: ClinicSettings, today: date) -> str:
    about = f"feed {state.patient_id} {state.calendar_version} {today} {state.given_name}"
    return _etag(about, calendar_words(clinic, state.language).fingerprint)


def _etag(about: str, fingerprint: bytes) -> str:
    """Keyed, so that it tells nobody how many patients or changes there are."""
    return hashlib.blake2b(about.encode(), key=fingerprint, digest_size=12).hexdigest()


def _calendar(content: bytes, etag: str, changed_at: datetime, filename: str) -> Response:
    answer = Response(
        content,
        content_type="text/calendar; charset=utf-8",
        headers={**HEADERS, "ETag": f'"{etag}"', "Content-Disposition": f'inline; filename="{filename}"'},
    )
    answer.last_modified = changed_at
    return answer
