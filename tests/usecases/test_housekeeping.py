"""What is over is forgotten by the job that ticks; what is not is kept."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import ApiToken, BookingDraft, IdempotentAnswer, LiveSession, RateCounter, SignInCode
from scheduler.usecases.housekeeping import tidy
from tests.factories import NOW, make_patient


def test_what_is_over_is_forgotten_and_what_is_not_is_kept(session: Session) -> None:
    account_id = make_patient(session).phone_account_id
    token = ApiToken(name="t", role="owner", token_hash="h", created_at=NOW, ends_at=NOW)
    session.add(token)
    session.flush()
    for age in (timedelta(minutes=5), timedelta(days=40)):
        then, name = NOW - age, f"{age.days}"
        session.add_all(
            (
                SignInCode(
                    challenge=name,
                    number="+16135550142",
                    code_hmac="",
                    created_at=then,
                    expires_at=then + timedelta(minutes=10),
                ),
                BookingDraft(token=name, browser="b", fields={}, created_at=then, changed_at=then),
                IdempotentAnswer(api_token_id=token.id, key=name, fingerprint="", created_at=then),
                RateCounter(key=name, ends_at=then + timedelta(hours=1), count=1),
                LiveSession(
                    id_hash=name, phone_account_id=account_id, started_at=then, ends_at=then + timedelta(days=30)
                ),
            )
        )
    session.commit()
    tidy(session, now=NOW)
    kept = (SignInCode.challenge, BookingDraft.token, IdempotentAnswer.key, RateCounter.key, LiveSession.id_hash)
    assert [session.scalars(select(column)).all() for column in kept] == [["0"]] * len(kept)
