"""What the pages of a booking share: opening the draft, going on, and showing a form again with what was typed."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from flask import current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError

from scheduler.domain.actor import Actor
from scheduler.domain.booking.steps import (
    BEGIN,
    BIRTH,
    CODE,
    NUMBER,
    REVIEW,
    TIME,
    WHO,
    BookingStep,
    must_come_first,
    next_step,
)
from scheduler.domain.errors import NotFound, TooManyTries
from scheduler.web.errors import retry_after
from scheduler.web.forms.fields import FormError, form_errors
from scheduler.web.patient.booking.state import Booking, open_booking

P = ParamSpec("P")

ENDPOINTS = {
    BEGIN: "booking.change",
    TIME: "booking.choose_time",
    NUMBER: "booking.give_number",
    CODE: "booking.type_code",
    BIRTH: "booking.give_birth_date",
    WHO: "booking.say_who",
    REVIEW: "booking.review",
}
Page = Callable[Concatenate[Booking, P], ResponseReturnValue]


def page_of(step: BookingStep) -> Callable[[Page[P]], Callable[..., ResponseReturnValue]]:
    """A page of a draft. It leads to an earlier page that is not done yet, or to the end when all is over."""

    def decorate(view: Page[P]) -> Callable[..., ResponseReturnValue]:
        @wraps(view)
        def open_page(token: str, *args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            try:
                booking = open_booking(token)
            except NotFound:
                return render_template("patient/booking/gone.html"), 404
            if booking.booked:
                pressed = request.form.get("shown_starts")  # which may not be what was booked in another tab
                return redirect(url_for("booking.done", token=token, pressed=pressed), 303)
            earlier = must_come_first(booking.path, step, booking.done)
            if earlier:
                return redirect(address_of(booking, earlier), 303)
            return view(booking, *args, **kwargs)

        return open_page

    return decorate


def address_of(booking: Booking, step: BookingStep) -> str:
    return url_for(ENDPOINTS[step], token=booking.token)


def go_on(booking: Booking) -> ResponseReturnValue:
    """To the first page that is not done; the booking is looked at anew."""
    assert booking.token  # noqa: S101 - there is a draft by now
    fresh = open_booking(booking.token)
    return redirect(address_of(fresh, next_step(fresh.path, fresh.done)), 303)


def show(
    booking: Booking,
    step: BookingStep,
    template: str,
    *forms: FlaskForm,
    more: Sequence[FormError] = (),
    too_often: TooManyTries | None = None,
    status: int | None = None,
    **given: Any,
) -> ResponseReturnValue:
    """The page with its forms; with the errors of a form that was sent."""
    errors = [*more, *(error for form in forms for error in form_errors(form))]
    if expired():
        errors = [FormError("", _expired_words(booking, step))]
    steps = booking.steps
    page = render_template(
        f"patient/booking/{template}.html",
        booking=booking,
        step_number=steps.index(step) + 1 if step in steps else None,
        step_count=len(steps),
        back=_page_before(booking, step),
        onward=address_of(booking, next_step(booking.path, booking.done)) if booking.token else None,
        errors=errors,
        **given,
    )
    if too_often:
        return page, 429, retry_after(too_often)
    return page, 400 if expired() else status or (422 if errors else 200)


def _expired_words(booking: Booking, step: BookingStep) -> str:
    """Whoever is signed in by now finds another button on the pages that ask for number and code."""
    if booking.account and step in (NUMBER, CODE):
        button = _("Continue with this number") if step is NUMBER else _("Continue")
        return str(_("You have signed in meanwhile, perhaps in another tab. Go on with “%(button)s”.", button=button))
    return str(
        _(
            "This page had been open for too long, or you signed in in another tab. Nothing is lost: please press the button once more."
        )
    )


def accepted(form: FlaskForm) -> bool:
    return request.method == "POST" and not expired() and form.validate()


def expired() -> bool:
    """Whether the form sent carries an old CSRF token, so that it may change nothing."""
    return bool(g.get("form_expired"))


def expired_words() -> str:
    return str(_("This page had been open for too long. Please press the button once more."))


def show_expired_form(_error: CSRFError) -> ResponseReturnValue:
    """The same page again with everything typed, and a fresh token."""
    g.form_expired = True
    assert request.endpoint  # noqa: S101 - the error comes from one of our views
    view = cast("Callable[..., ResponseReturnValue]", current_app.view_functions[request.endpoint])
    try:
        return view(**(request.view_args or {}))
    except Exception as error:  # raised in an error handler, it would be nobody's to handle
        return current_app.handle_user_exception(error)


def actor_of(booking: Booking) -> Actor:
    ident = str(booking.account.id) if booking.account else "visitor"
    return Actor("patient", ident, request.remote_addr or "")


def _page_before(booking: Booking, step: BookingStep) -> str | None:
    steps = booking.steps
    place = steps.index(step) if step in steps else 0
    if place == 0 or booking.token is None:
        return None
    return address_of(booking, steps[place - 1])
