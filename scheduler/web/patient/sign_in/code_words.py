"""What is said of sign-in codes that were asked for too often, or are kept for patients."""

from flask import current_app
from flask_babel import gettext as _

from scheduler import clock
from scheduler.domain.errors import TooManyTries
from scheduler.domain.sign_in.refusals import TooManyWrong
from scheduler.extensions import clinic_settings, db
from scheduler.usecases.sign_in.code_limits import CodeLimits, sparing_until
from scheduler.usecases.sign_in.sign_in import can_be_typed
from scheduler.web.words.again import again_words


def too_often_words(refused: TooManyTries, *, challenge: object, number: str) -> str:
    """The last code is named only where it still lets in: not another browser's, nor one mistyped too often."""
    again = again_words(refused.again_at)
    if challenge and can_be_typed(db.session(), challenge=str(challenge), number=number, now=clock.now()):
        return str(
            _("Codes were asked for too often. Use the last one we sent, try again %(again)s, or call us.", again=again)
        )
    if isinstance(refused, TooManyWrong):
        return str(
            _(
                "Wrong codes were typed %(count)d times for this number, so the pauses get longer. "
                "Ask for a new one %(again)s, or call us.",
                count=refused.wrong,
                again=again,
            )
        )
    return str(_("Codes were asked for too often. Ask for a new one %(again)s, or call us.", again=again))


def sparing_words(number: str) -> str:
    """While there are not enough codes for everybody; the same whether or not the number is a patient's. Else empty."""
    until = sparing_until(
        db.session(),
        number=number,
        secret=current_app.config["SECRET_KEY"],
        limits=CodeLimits(per_day=current_app.config["CODES_PER_DAY"]),
        clinic=clinic_settings(),
        now=clock.now(),
    )
    if until is None:
        return ""
    return str(
        _(
            "So many codes were asked for that we now send them only to numbers of our patients. If yours is one, it "
            "comes within a minute. If none comes, call us, or try again %(again)s.",
            again=again_words(until),
        )
    )
