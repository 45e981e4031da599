"""What the desk is told when texts do not go out. A load balancer is not told: patients can book all the same."""

from datetime import datetime, timedelta

from flask import current_app
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import clinic_local, clinic_settings, db
from scheduler.usecases.texts.sending.status import oldest_due_seconds, ticked_seconds
from scheduler.web.words.dates import day_and_time_words

ASKED_EVERY = timedelta(seconds=30)
TOO_LONG_SECONDS = 5 * 60  # a scheduler ticks every 15


def sending_warning() -> str:
    """For reception and owner; empty while texts go out. A service whose scheduler never ticked is being set up."""
    if current_user.role not in ("receptionist", "owner"):
        return ""
    now = clock.now()
    kept: tuple[datetime, float, float] | None = current_app.extensions.get("sending_state")
    if kept is None or abs(now - kept[0]) >= ASKED_EVERY:
        kept = current_app.extensions["sending_state"] = _read(now)
    return _words(*kept)


def _read(now: datetime) -> tuple[datetime, float, float]:
    with db.reading.connect() as connection:
        ticked = ticked_seconds(connection, now)
        return now, ticked or 0.0, oldest_due_seconds(connection, clinic=clinic_settings(), now=now)


def _words(asked_at: datetime, ticked: float, oldest_due: float) -> str:
    if ticked > TOO_LONG_SECONDS:
        since = clinic_local(asked_at - timedelta(seconds=ticked))
        return str(
            _(
                "No texts have gone out since %(when)s: the scheduler is not running. Whoever runs this service starts it "
                "with “flask jobs run”.",
                when=day_and_time_words(since),
            )
        )
    if oldest_due > TOO_LONG_SECONDS:
        return str(
            _(
                "A text has waited for %(minutes)d minutes: the SMS provider may be out of order. It is tried again "
                "by itself.",
                minutes=int(oldest_due // 60),
            )
        )
    return ""
