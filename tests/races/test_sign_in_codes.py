"""Guesses and requests sent at once get no more than those sent one by one."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import TooManyTries
from scheduler.domain.sign_in.refusals import CodeGone, CodeWrong
from scheduler.models.patients.patient import PhoneAccount
from scheduler.models.staff.access import SignInCode
from scheduler.models.texts.sms import Message
from scheduler.usecases.sign_in.code_limits import CodeLimits
from scheduler.usecases.sign_in.sign_in import request_code, verify_code

NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
SECRET = "a secret of the clinic"
AT_ONCE = 24


def all_at_once(engine: Engine, act: Callable[[Session, int], str]) -> list[str]:
    start = Barrier(AT_ONCE)

    def one(turn: int) -> str:
        with Session(engine) as session:
            session.scalar(select(1))  # connected before the start
            start.wait()
            try:
                return act(session, turn)
            except (CodeWrong, CodeGone, TooManyTries) as refusal:
                return refusal.code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def ask(session: Session, number: str, after: str | None = None, limits: CodeLimits | None = None) -> str:
    return request_code(
        session,
        number=number,
        address="192.0.2.7",
        language="en",
        secret=SECRET,
        clinic=ClinicSettings(),
        now=NOW,
        limits=limits or CodeLimits(),
        after=after,
    )


def code_sent(session: Session) -> str:
    return session.scalars(select(Message.body)).one().partition("code is ")[2][:6]


def test_parallel_guesses_get_five_tries_together(engine: Engine) -> None:
    with Session(engine) as session:
        challenge, right = ask(session, "+16135550142"), code_sent(session)

    def guess(session: Session, turn: int) -> str:
        wrong = f"{(int(right) + 1 + turn) % 1_000_000:06}"
        verify_code(session, challenge=challenge, code=wrong, secret=SECRET, now=NOW)
        return "in"

    answers = all_at_once(engine, guess)
    assert (answers.count("code-wrong"), answers.count("code-gone")) == (4, AT_ONCE - 4)
    with Session(engine) as session:
        assert session.scalar(select(SignInCode.tries)) == 5


def test_without_the_condition_on_tries_parallel_guesses_get_as_many_as_they_like(engine: Engine) -> None:
    """The race itself: read the tries, compare, write them back."""
    with Session(engine) as session:
        challenge = ask(session, "+16135550142")
    together = Barrier(AT_ONCE)

    def guess(session: Session, turn: int) -> str:
        tries = session.scalar(select(SignInCode.tries).where(SignInCode.challenge == challenge))
        together.wait()
        return "compared" if (tries or 0) < 5 else "refused"

    assert all_at_once(engine, guess).count("compared") == AT_ONCE


def test_the_right_code_typed_in_many_tabs_at_once_lets_one_in(engine: Engine) -> None:
    with Session(engine) as session:
        challenge, right = ask(session, "+16135550142"), code_sent(session)

    def type_in(session: Session, _turn: int) -> str:
        verify_code(session, challenge=challenge, code=right, secret=SECRET, now=NOW)
        return "in"

    answers = all_at_once(engine, type_in)
    assert (answers.count("in"), answers.count("code-gone")) == (1, AT_ONCE - 1)


def test_first_codes_of_one_number_typed_at_once_make_one_account(engine: Engine) -> None:
    unlimited = CodeLimits(resend_seconds=0, per_number_hour=99, per_number_day=99, per_address_hour=99)
    codes = []
    with Session(engine) as session:
        for _ in range(AT_ONCE):
            challenge = ask(session, "+16135550142", limits=unlimited)
            body = session.scalars(select(Message.body).order_by(Message.id.desc())).first() or ""
            codes.append((challenge, body.partition("code is ")[2][:6]))

    def type_in(session: Session, turn: int) -> str:
        challenge, code = codes[turn]
        return str(verify_code(session, challenge=challenge, code=code, secret=SECRET, now=NOW).id)

    assert len(set(all_at_once(engine, type_in))) == 1
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(PhoneAccount)) == 1


def test_requests_for_many_numbers_at_once_stay_within_the_days_cap(engine: Engine) -> None:
    limits = CodeLimits(per_day=7, everybodys_part=1, hours_share=1)
    answers = all_at_once(engine, lambda session, turn: ask(session, f"+1613555{turn:04}", limits=limits))
    assert answers.count("too-many-tries") == AT_ONCE - 7
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 7


def test_numbers_asked_for_at_once_share_what_an_hour_gives(engine: Engine) -> None:
    limits = CodeLimits(per_day=20)
    answers = all_at_once(engine, lambda session, turn: ask(session, f"+1613{200 + turn}0199", limits=limits))
    assert "too-many-tries" not in answers, (
        "the patients' part is there, and a stranger cannot see that it is not theirs"
    )
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 3


def test_a_form_sent_many_times_at_once_sends_one_text(engine: Engine) -> None:
    answers = all_at_once(engine, lambda session, _turn: ask(session, "+16135550142", after="one browser"))
    assert len(set(answers)) == 1 and "too-many-tries" not in answers
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 1


def test_windows_end_for_all_at_once(engine: Engine) -> None:
    limits = CodeLimits(per_day=AT_ONCE + 1, per_address_hour=AT_ONCE, everybodys_part=1, hours_share=1)
    first = all_at_once(engine, lambda session, turn: ask(session, f"+1613555{turn:04}", limits=limits))
    assert "too-many-tries" not in first
    with Session(engine) as session:
        later = request_code(
            session,
            number="+16135550999",
            address="192.0.2.8",
            language="en",
            secret=SECRET,
            clinic=ClinicSettings(),
            now=NOW + timedelta(days=1),
            limits=limits,
        )
    assert later
