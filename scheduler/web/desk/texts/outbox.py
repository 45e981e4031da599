"""What was texted and what came back, the newest first."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.numbers import format_currency
from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from scheduler import clock
from scheduler.extensions import clinic_zone, db
from scheduler.gateways.phone_numbers import display
from scheduler.queries.calendar import desk_day
from scheduler.queries.calendar.desk_day import Text
from scheduler.queries.texts import sms_figures
from scheduler.queries.texts.sms_figures import Cost
from scheduler.usecases.staff.looks import Listing
from scheduler.web import access
from scheduler.web.desk.looks import note_patients
from scheduler.web.desk.records.protection import hidden
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.requests.language import template_variables
from scheduler.web.words.status import kind_words, text_sign

PAGE = 50
DAYS = 14
MONTHS = 3

blueprint = Blueprint("desk_outbox", __name__)
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


@dataclass(frozen=True, slots=True)
class ShownText:
    """`body` None: a sign-in code that really went out is its owner's secret."""

    id: int
    at_local: datetime
    inbound: bool
    kind: str
    number: str
    patient: str | None
    body: str | None
    status: str
    error_code: str | None


@blueprint.get("/desk/outbox")
def show() -> ResponseReturnValue:
    before = request.args.get("before", "")
    before_id = int(before) if before.isdecimal() and len(before) < 10 else None
    with db.reading.connect() as connection:
        found = desk_day.texts(connection, before_id=before_id, limit=PAGE + 1, without=hidden())
    note_patients(Listing.OUTBOX, [text.patient_id for text in found[:PAGE] if text.patient_id])
    return render_template(
        "desk/texts/outbox.html",
        texts=[_shown(text) for text in found[:PAGE]],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        newest=before_id is None,
        real=bool(current_app.config["SMS"]),
        sign=text_sign,
        kind_words=kind_words,
    )


@blueprint.get("/desk/outbox/figures")
def figures() -> ResponseReturnValue:
    """The last two weeks."""
    zone = clinic_zone()
    today = clock.to_local(clock.now(), zone).date()
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    midnights = [
        clock.to_utc_or_near(datetime.combine(day, time.min), zone) for day in (*days, today + timedelta(days=1))
    ]
    with db.reading.connect() as connection:
        found = sms_figures.figures(connection, list(zip(days, midnights[:-1], midnights[1:], strict=True)))
        costs = sms_figures.costs(connection, _months(today, zone))
    return render_template(
        "desk/texts/figures.html", found=found, costs=costs, kind_words=kind_words, price_words=_price_words
    )


def _months(today: date, zone: ZoneInfo) -> list[tuple[date, datetime, datetime]]:
    """This one and those before it, the oldest first."""
    firsts = [(today.replace(day=1) + timedelta(days=31)).replace(day=1)]
    while len(firsts) <= MONTHS:
        firsts.insert(0, (firsts[0] - timedelta(days=1)).replace(day=1))
    begin = [clock.to_utc_or_near(datetime.combine(first, time.min), zone) for first in firsts]
    return list(zip(firsts[:-1], begin[:-1], begin[1:], strict=True))


def _price_words(cost: Cost) -> str:
    """As Twilio names it; what it has not named yet is said."""
    language = template_variables()["language"]
    said = [
        format_currency(Decimal(millionths) / 1_000_000, unit, locale=f"{language}_CA")
        for unit, millionths in sorted(cost.prices.items())
    ]
    if cost.without_price:
        said.append(
            ngettext("not known yet for %(num)d text", "not known yet for %(num)d texts", cost.without_price)
            if said
            else _("not known yet")
        )
    return " + ".join(said)


def _shown(text: Text) -> ShownText:
    zone = clinic_zone()
    secret = text.kind == "code" and bool(current_app.config["SMS"])
    return ShownText(
        id=text.id,
        at_local=clock.to_local(text.created_at, zone),
        inbound=text.direction == "in",
        kind=text.kind,
        number=display(text.number),
        patient=f"{text.given_name} {text.family_name}" if text.given_name else None,
        body=None if secret else text.body,
        status=text.status,
        error_code=text.error_code,
    )
