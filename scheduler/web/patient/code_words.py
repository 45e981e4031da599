"""What is said to somebody who asked for sign-in codes too often."""

from flask import current_app
from flask_babel import gettext as _

from scheduler import clock
from scheduler.domain.errors import TooManyTries
from scheduler.extensions import db
from scheduler.usecases.sign_in import can_be_typed
from scheduler.web.dates import time_words


def too_often_words(refused: TooManyTries, *, challenge: object, number: str) -> str:
    """The last code is named only where it still lets in: not another browser's, nor one mistyped too often."""
    again = time_words(clock.to_local(refused.again_at, clock.zone(current_app.config["CLINIC"].zone)))
    if challenge and can_be_typed(db.session(), challenge=str(challenge), number=number, now=clock.now()):
        return str(
            _(
                "Codes were asked for too often. Use the last one we sent, try again after %(time)s, or call us.",
                time=again,
            )
        )
    return str(_("Codes were asked for too often. Ask for a new one after %(time)s, or call us.", time=again))
