"""A code that a patient has typed, and what came of it, for the audit log."""

from datetime import datetime

from flask import current_app, request

from scheduler.domain.sign_in.refusals import CodeGone, CodeWrong
from scheduler.extensions import db
from scheduler.models.patients.patient import PhoneAccount
from scheduler.usecases.sign_in import sign_in
from scheduler.usecases.staff.sign_in_audit import SignIn, number_actor, patient_actor, record_sign_in
from scheduler.web.requests.language import template_variables
from scheduler.web.words.agreement import by_code


def account_of_code(*, challenge: str, digits: str, where: str, now: datetime) -> PhoneAccount:
    """`where`: booking, sign_in or new_number, for the agreement to texts. Refuses as sign_in.verify_code does."""
    try:
        account = sign_in.verify_code(
            db.session(),
            challenge=challenge,
            code=digits,
            secret=current_app.config["SECRET_KEY"],
            earlier_secrets=current_app.config["SECRET_KEY_FALLBACKS"],
            now=now,
            language=template_variables()["language"],
            agreed=by_code(where),
        )
    except CodeWrong:
        _note_of_number(SignIn.WRONG, challenge, now)
        raise
    except CodeGone:
        _note_of_number(SignIn.LOCKED, challenge, now)
        raise
    note_outcome(SignIn.RIGHT, account.id, now)
    return account


def note_outcome(outcome: SignIn, account_id: int | None, now: datetime) -> None:
    actor = patient_actor(account_id, request.remote_addr or "")
    record_sign_in(db.session(), outcome=outcome, actor=actor, step="code", now=now)


def _note_of_number(outcome: SignIn, challenge: str, now: datetime) -> None:
    number = sign_in.number_of(db.session(), challenge=challenge)
    actor = number_actor(db.session(), number, request.remote_addr or "")
    record_sign_in(db.session(), outcome=outcome, actor=actor, step="code", now=now)
