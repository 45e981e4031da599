"""One person presses twice, or two windows of one browser do: both get in, and one row says so."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from scheduler.models import BirthDateAsked, KnownBrowser, LiveSession, PhoneAccount, WrongNumber
from scheduler.queries.patients.known_browsers import opened_by
from scheduler.usecases.sign_in.known_browsers import born_then, know_patients
from scheduler.usecases.texts.wrong_numbers import doubt_number
from scheduler.usecases.transaction import begin_write
from tests.factories import NOW, make_patient

LOCAL = NOW.replace(tzinfo=None) - timedelta(hours=5)
AT_ONCE = 2


@pytest.mark.parametrize("round_of", range(5))
def test_two_right_birth_dates_at_once_open_one_browser(engine: Engine, round_of: int) -> None:
    with Session(engine) as session:
        patient = make_patient(session)
        undated = make_patient(session, birth_date=None)
        undated.phone_account_id = patient.phone_account_id
        session.commit()
        account_id, patient_id, born = patient.phone_account_id, patient.id, patient.birth_date
    assert account_id and born
    start = Barrier(AT_ONCE)

    def press(_turn: int) -> str:
        with Session(engine) as session:
            account = session.get_one(PhoneAccount, account_id)
            start.wait()
            found = born_then(session, account=account, day=born, secret="a secret", now=NOW, address="192.0.2.7")
            return know_patients(
                session,
                account_id=account_id,
                patient_ids=[each.id for each in found],
                browser="the value in the cookie",
                shared=False,
                instead_of=None,
                now=NOW,
                now_local=LOCAL,
                life=timedelta(days=30),
            ).session_id

    with ThreadPoolExecutor(AT_ONCE) as pool:
        begun = list(pool.map(press, range(AT_ONCE)))
    with Session(engine) as session:
        opened = [opened_by(session, each, now=NOW, today=LOCAL.date()) for each in begun]
        assert [each.ids for each in opened if each] == [(patient_id,)] * AT_ONCE
        assert session.scalar(select(func.count()).select_from(KnownBrowser)) == 1
        assert session.scalar(select(func.count()).select_from(LiveSession)) == AT_ONCE
        assert session.scalar(select(func.count()).select_from(BirthDateAsked)) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_texts_at_once_that_say_wrong_number_mark_it_once(engine: Engine) -> None:
    with Session(engine) as session:
        account_id = make_patient(session).phone_account_id
    start = Barrier(AT_ONCE)

    def say(_turn: int) -> None:
        with Session(engine) as session:
            begin_write(session)
            account = session.get_one(PhoneAccount, account_id)
            start.wait()
            doubt_number(session, account, said_at=NOW)
            session.commit()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(say, range(AT_ONCE)))
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(WrongNumber)) == 1
