"""The page of a booking that asks who has the number, and the same question where somebody new is named."""

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.domain.booking.steps import BIRTH, BookingPath
from scheduler.domain.errors import TooManyTries
from scheduler.domain.patients.coming_of_age import OF_AGE, is_of
from scheduler.extensions import db
from scheduler.usecases.sign_in.known_browsers import born_then
from scheduler.web.patient.booking.forms import NEW_PATIENT, WhoForm
from scheduler.web.patient.booking.state import Booking, open_booking
from scheduler.web.patient.booking.steps import accepted, go_on, page_of, show
from scheduler.web.patient.booking.time import look_after_start
from scheduler.web.patient.sign_in.birth_date import BirthDateForm, is_new_here, is_recognised, typed_date
from scheduler.web.patient.sign_in.session import know


def add_routes(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/book/<token>/birth-date", "give_birth_date", give_birth_date, methods=["GET", "POST"])


@page_of(BIRTH)
def give_birth_date(booking: Booking) -> ResponseReturnValue:
    """Who says that this is a first visit goes on whatever the date: they are told nothing."""
    if booking.is_known:
        return go_on(booking)
    form = BirthDateForm()
    if not accepted(form):
        return _show(booking, form)
    assert booking.account  # noqa: S101 - a page before this one
    if is_new_here():
        return _as_new(booking, form)
    if is_recognised(form, booking.account):
        booking.keep(asked_birth_date=True, tried_date=str(form.birth_date.data))
        known = open_booking(booking.token or "")
        look_after_start(known)
        return go_on(known)
    if form.is_unmatched and booking.path is BookingPath.FIRST_TIME:
        return _as_new(booking, form)
    return _show(booking, form)


def settle_who_is_new(booking: Booking, who: WhoForm) -> bool:
    """Whether somebody new may be registered under the valid form's name and birth date; else the form says why not.

    Another date than the one typed before is the same question again, and counts as such: nobody is found by way of the
    form for somebody new whom the page before would not have found.
    """
    account, day = booking.account, who.birth_date.data
    assert account and day  # noqa: S101 - pages before this one
    if not who.is_new or str(day) == booking.fields.get("tried_date"):
        return True
    booking.keep(tried_date=str(day))
    is_known = bool(booking.opened and booking.opened.person)
    try:
        found = born_then(
            db.session(),
            account=account,
            day=day,
            given_name=who.given_name.data,
            secret=current_app.config["SECRET_KEY"],
            now=booking.now,
            address=request.remote_addr or "",
            shared=bool(booking.opened and booking.opened.browser and booking.opened.browser.shared),
            what="birth-date-of-another" if is_known else "birth-date",
        )
    except TooManyTries:
        return True
    if not found:
        return True
    if is_known and any(is_of(OF_AGE, patient.birth_date, booking.today) for patient in found):
        who.birth_date.errors = [
            _(
                "Somebody of this name and date of birth is a patient here already. They book for themselves, or call us."
            )
        ]
        booking.keep(tried_date="")
        return False
    ids = [patient.id for patient in found]
    chosen = found[0].public_id
    if is_known and booking.opened and booking.opened.person:
        ids.insert(0, booking.opened.person.id)
    know(account, ids, shared=bool(booking.opened and booking.opened.browser and booking.opened.browser.shared))
    booking.keep(patient=chosen)
    return True


def _as_new(booking: Booking, form: BirthDateForm) -> ResponseReturnValue:
    assert booking.account  # noqa: S101 - a page before this one
    booking.keep(
        new_here=booking.account.id,
        patient=NEW_PATIENT,
        asked_birth_date=True,
        shared=bool(form.shared.data),
        tried_date=str(form.birth_date.data),
        typed_who={**booking.typed("who"), **typed_date()},
    )
    return go_on(booking)


def _show(booking: Booking, form: BirthDateForm) -> ResponseReturnValue:
    return show(booking, BIRTH, "birth_date", form, form=form)
