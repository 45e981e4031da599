"""The review's form says what its button books. A booking that was changed since, in another tab, is not booked by it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from flask import request
from flask_babel import get_locale
from flask_babel import gettext as _

from scheduler.domain.errors import NotFound
from scheduler.domain.patients.person_name import tidy_name
from scheduler.web.patient.booking.state import Booking
from scheduler.web.words.dates import day_and_time_words

LONGEST = 300  # characters of a field that is said again


@dataclass(frozen=True, slots=True)
class Shown:
    """As text, in hidden fields: `who` by name and birth date, because pressing a button may make the record."""

    starts: str
    treatment: str
    practitioner: str
    who: str
    health: str

    @property
    def fields(self) -> dict[str, str]:
        return {f"shown_{name}": getattr(self, name) for name in self.__dataclass_fields__}


def shown_now(booking: Booking) -> Shown:
    assert booking.starts_local and booking.treatment  # noqa: S101 - pages before the review
    return Shown(
        starts=booking.starts_local.isoformat(timespec="minutes"),
        treatment=booking.treatment.slug,
        practitioner=booking.practitioner.slug if booking.practitioner else "",
        who=_who(booking),
        health=_health(booking) if booking.screening_with_who else "",
    )


def shown_then() -> Shown:
    """In the form that was sent; empty where it says nothing."""
    return Shown(**{name: request.form.get(f"shown_{name}", "")[:LONGEST] for name in Shown.__dataclass_fields__})


def changed_since(booking: Booking) -> str | None:
    """Why the button does nothing: both are told, what it said and what the booking says now."""
    then, now = shown_then(), shown_now(booking)
    if then == now:
        return None
    said, says = _words(booking, then), _words(booking, now)
    if not then.starts or said == says:
        return str(
            _("This booking was changed in another tab. Look at it as it is now, then press the button once more.")
        )
    return str(
        _(
            "Your button said: %(said)s. In another tab this booking was changed to: %(now)s. Nothing is booked yet: press the button once more if that is right.",
            said=said,
            now=says,
        )
    )


def booked_otherwise(starts_local: datetime, pressed: str | None) -> str | None:
    """For a button that was pressed once the booking was over: it said another time than the one that is booked."""
    then = _moment(pressed)
    if then is None or then == starts_local:
        return None
    return str(
        _(
            "Your button said %(said)s. This booking was finished in another tab before, for %(now)s; nothing else was booked.",
            said=day_and_time_words(then),
            now=day_and_time_words(starts_local),
        )
    )


def _words(booking: Booking, shown: Shown) -> str:
    words = []
    if starts_local := _moment(shown.starts):
        words.append(day_and_time_words(starts_local))
    with suppress(NotFound):
        words.append(booking.reference.treatment(shown.treatment).name(str(get_locale())))
    with suppress(NotFound):
        words.append(str(_("with %(name)s", name=booking.reference.practitioner(shown.practitioner).full_name)))
    if name := shown.who.rpartition(" ")[0]:
        words.append(str(_("for %(name)s", name=name)))
    return ", ".join(words)


def _who(booking: Booking) -> str:
    if booking.patient:
        return f"{booking.patient.full_name} {booking.patient.birth_date}"
    form = booking.who_form()
    form.validate()
    return f"{tidy_name(form.given_name.data)} {tidy_name(form.family_name.data)} {form.birth_date.data}"


def _health(booking: Booking) -> str:
    typed = booking.typed("screening")
    day = [typed.get(f"needled_on_{part}", [""])[0] for part in ("year", "month", "day")]
    return " ".join([*sorted(typed.get("applies", ())), "-".join(day)])


def _moment(text: str | None) -> datetime | None:
    with suppress(ValueError):
        moment = datetime.fromisoformat(text) if text else None
        return moment if moment and moment.tzinfo is None else None
    return None
