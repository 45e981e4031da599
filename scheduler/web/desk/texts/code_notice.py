"""What the desk is told when sign-in codes run out: somebody may be asking for them by machine, and patients will call."""

from datetime import datetime, timedelta

from flask import current_app
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import clinic_settings, db
from scheduler.usecases.sign_in.code_limits import CodeLimits, CodeUse, code_use
from scheduler.web.words.again import again_words

ASKED_EVERY = timedelta(seconds=15)


def code_warning() -> str:
    """For whoever answers the telephone; empty while there are enough. Three short SELECTs every 15 seconds and process."""
    if current_user.role not in ("receptionist", "owner"):
        return ""
    now = clock.now()
    kept: tuple[datetime, CodeUse] | None = current_app.extensions.get("code_use")
    if kept is None or abs(now - kept[0]) >= ASKED_EVERY:
        kept = current_app.extensions["code_use"] = (now, _read(now))
    return _words(kept[1]) if kept[1].is_worth_telling else ""


def _words(use: CodeUse) -> str:
    if use.none_until is not None:
        return str(
            _(
                "All sign-in codes are used up: nobody gets one; new ones go out %(again)s. Book for whoever calls.",
                again=again_words(use.none_until),
            )
        )
    if use.sparing_until is not None:
        return str(
            _(
                "Many sign-in codes were asked for: they now go to patients’ numbers alone; to everybody "
                "%(again)s. Book for new patients who call.",
                again=again_words(use.sparing_until),
            )
        )
    return str(
        _(
            "%(used)d of the day’s %(of)d sign-in codes are used. If that is not the clinic’s own doing, somebody may "
            "be asking for them by machine; a part is kept for numbers of patients.",
            used=use.used,
            of=use.of,
        )
    )


def _read(now: datetime) -> CodeUse:
    return code_use(
        db.session(),
        secret=current_app.config["SECRET_KEY"],
        limits=CodeLimits(per_day=current_app.config["CODES_PER_DAY"]),
        clinic=clinic_settings(),
        now=now,
    )
