"""What the desk is told when one number gives one new name after another."""

from datetime import datetime, timedelta

from flask import current_app
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import db
from scheduler.gateways import phone_numbers
from scheduler.queries.patients.new_names import numbers_with_many_new_names

ASKED_EVERY = timedelta(seconds=15)


def new_names_warning() -> str:
    """For whoever answers the telephone; empty mostly. One short SELECT every 15 seconds and process."""
    if current_user.role not in ("receptionist", "owner"):
        return ""
    now = clock.now()
    kept: tuple[datetime, list[str]] | None = current_app.extensions.get("new_names")
    if kept is None or abs(now - kept[0]) >= ASKED_EVERY:
        kept = current_app.extensions["new_names"] = (now, numbers_with_many_new_names(db.session(), now=now))
    if not kept[1]:
        return ""
    return str(
        _(
            "Three new names or more were given online today on one number: %(numbers)s. Look whether these people exist.",
            numbers=", ".join(phone_numbers.display(number) for number in kept[1]),
        )
    )
