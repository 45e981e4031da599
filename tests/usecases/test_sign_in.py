import dataclasses
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.domain.errors import CodeGone, CodeWrong, TooManyTries
from scheduler.models.access import RateCounter, SignInCode
from scheduler.models.patient import PhoneAccount
from scheduler.models.sms import Message
from scheduler.usecases.sign_in import (
    CodeLimits,
    can_be_typed,
    number_of,
    request_code,
    verify_code,
)
from tests.statements import statements_of

NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NUMBER, OTHER = "+16135550142", "+16135550143"
SECRET = "a secret of the clinic"
CLINIC = ClinicSettings(public_url="https://book.example.ca")
UNLIMITED = CodeLimits(
    resend_seconds=1,
    per_number_hour=1000,
    per_number_day=1000,
    per_address_hour=1000,
    per_day=1000,
    per_prefix_day=1000,
)


def ask(session: Session, number: str = NUMBER, **changes: Any) -> str:
    asked: dict[str, Any] = {
        "address": "192.0.2.7",
        "language": "en",
        "secret": SECRET,
        "clinic": CLINIC,
        "now": NOW,
        "limits": CodeLimits(),
    }
    return request_code(session, number=number, **(asked | changes))


def type_in(session: Session, challenge: str, code: str, *, now: datetime = NOW, **changes: Any) -> PhoneAccount:
    return verify_code(session, challenge=challenge, code=code, secret=SECRET, now=now, **changes)


def last_text(session: Session) -> Message:
    return session.scalars(select(Message).order_by(Message.id.desc())).first() or pytest.fail("nothing was queued")


def last_code(session: Session) -> str:
    found = re.search(r"\b\d{6}\b", last_text(session).body)
    assert found
    return found.group()


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_the_right_code_makes_the_account_verified_in_the_language_of_the_page(session: Session) -> None:
    challenge = ask(session)
    account = type_in(session, challenge, last_code(session), now=NOW + MINUTE, language="fr")
    assert (account.number, account.language, account.verified_at) == (NUMBER, "fr", NOW + MINUTE)


def test_asking_alone_makes_no_account(session: Session) -> None:
    challenge = ask(session)
    with pytest.raises(CodeWrong):
        type_in(session, challenge, another(last_code(session)))
    assert session.scalar(select(func.count()).select_from(PhoneAccount)) == 0


def test_the_right_code_finds_the_account_and_clears_what_said_it_was_unreachable(session: Session) -> None:
    session.add(
        PhoneAccount(
            number=NUMBER, language="fr", created_at=NOW - 99 * MINUTE, unreachable_at=NOW, unreachable_why="30003"
        )
    )
    session.commit()
    account = type_in(session, ask(session), last_code(session))
    assert (account.unreachable_at, account.unreachable_why, account.verified_at) == (None, None, NOW)
    assert account.language == "fr", "chosen before, and not changed by the page it signs in on"
    assert session.scalar(select(func.count()).select_from(PhoneAccount)) == 1


@pytest.mark.parametrize(("by", "stays"), [("21610", False), ("STOP", True)])
def test_a_code_that_arrived_takes_back_twilios_word_and_not_the_patients(
    session: Session, by: str, stays: bool
) -> None:
    session.add(PhoneAccount(number=NUMBER, language="fr", created_at=NOW, opted_out_at=NOW, opted_out_by=by))
    session.commit()
    account = type_in(session, ask(session), last_code(session))
    session.refresh(account)
    assert (account.opted_out_at is not None, account.opted_out_by) == ((True, by) if stays else (False, None))


def test_the_code_goes_out_as_a_queued_text(session: Session) -> None:
    ask(session)
    text = last_text(session)
    assert (text.direction, text.kind, text.status, text.number) == ("out", "code", "queued", NUMBER)
    assert re.fullmatch(
        r"East Side Physio: your code is \d{6}\. It works for 10 minutes\.\n\n@book\.example\.ca #\d{6}", text.body
    )


def test_the_code_itself_is_stored_nowhere_else(session: Session) -> None:
    ask(session)
    code, row = last_code(session), session.scalars(select(SignInCode)).one()
    assert code not in f"{row.challenge} {row.code_hmac}" and len(row.code_hmac) == 64


def test_a_code_works_once(session: Session) -> None:
    challenge = ask(session)
    code = last_code(session)
    type_in(session, challenge, code)
    with pytest.raises(CodeGone):
        type_in(session, challenge, code)


@pytest.mark.parametrize(("age", "works"), [(10 * MINUTE - timedelta(seconds=1), True), (10 * MINUTE, False)])
def test_a_code_works_for_ten_minutes(session: Session, age: timedelta, works: bool) -> None:
    challenge = ask(session)
    code = last_code(session)
    if works:
        assert type_in(session, challenge, code, now=NOW + age).number == NUMBER
    else:
        with pytest.raises(CodeGone):
            type_in(session, challenge, code, now=NOW + age)


def test_the_fifth_wrong_try_ends_the_code_even_for_the_right_one(session: Session) -> None:
    challenge = ask(session)
    code = last_code(session)
    for tries_left in (4, 3, 2, 1):
        with pytest.raises(CodeWrong) as refusal:
            type_in(session, challenge, another(code))
        assert refusal.value.tries_left == tries_left
    with pytest.raises(CodeGone):
        type_in(session, challenge, another(code))
    with pytest.raises(CodeGone):
        type_in(session, challenge, code)


def mistype(session: Session, challenge: str, times: int) -> None:
    wrong = another(last_code(session))
    for _ in range(times):
        with pytest.raises((CodeWrong, CodeGone)):
            type_in(session, challenge, wrong)


def test_after_the_last_wrong_try_a_new_code_is_had_at_once_but_not_more_of_them(session: Session) -> None:
    challenge = ask(session)
    mistype(session, challenge, 4)
    with pytest.raises(TooManyTries):
        ask(session)
    mistype(session, challenge, 1)
    assert not can_be_typed(session, challenge=challenge, number=NUMBER, now=NOW)
    session.commit()
    for _ in range(CodeLimits().per_number_hour - 1):
        challenge = ask(session)
        assert can_be_typed(session, challenge=challenge, number=NUMBER, now=NOW)
        session.commit()
        with pytest.raises(TooManyTries):
            ask(session)
        mistype(session, challenge, 5)
    with pytest.raises(TooManyTries) as refusal:
        ask(session)
    assert refusal.value.again_at == NOW + timedelta(hours=1)
    assert session.scalar(select(func.count()).select_from(Message)) == CodeLimits().per_number_hour


def test_the_fifth_try_may_still_be_the_right_one(session: Session) -> None:
    challenge = ask(session)
    code = last_code(session)
    for _ in range(4):
        with pytest.raises(CodeWrong):
            type_in(session, challenge, another(code))
    assert type_in(session, challenge, code).number == NUMBER


def test_a_code_works_only_for_the_browser_that_asked(session: Session) -> None:
    mine = ask(session)
    my_code = last_code(session)
    theirs = ask(session, OTHER)
    if my_code == last_code(session):
        pytest.skip("one in a million")
    with pytest.raises(CodeWrong):
        type_in(session, theirs, my_code)
    assert type_in(session, mine, my_code).number == NUMBER


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "0" * 10_000, "\x00", "é" * 6])
def test_anything_else_typed_is_a_wrong_code(session: Session, code: str) -> None:
    challenge = ask(session)
    with pytest.raises(CodeWrong):
        type_in(session, challenge, code)


def test_an_unknown_challenge_is_like_one_that_is_over(session: Session) -> None:
    with pytest.raises(CodeGone):
        type_in(session, "no such challenge", "123456")


def test_asking_again_at_once_is_refused_with_the_wait(session: Session) -> None:
    ask(session)
    with pytest.raises(TooManyTries) as refusal:
        ask(session, now=NOW + timedelta(seconds=29))
    assert refusal.value.again_at == NOW + timedelta(seconds=30)
    assert ask(session, now=NOW + timedelta(seconds=30))


def test_a_form_sent_twice_sends_one_text_and_has_one_challenge(session: Session) -> None:
    first = ask(session, after="what the browser held")
    assert ask(session, after="what the browser held", now=NOW + timedelta(seconds=1)) == first
    assert session.scalar(select(func.count()).select_from(Message)) == 1
    later = ask(session, after=first, now=NOW + MINUTE)
    assert later != first and type_in(session, later, last_code(session), now=NOW + MINUTE)


def test_the_same_form_sent_much_later_gets_a_challenge_of_its_own(session: Session) -> None:
    first = ask(session, after="what the browser held")
    assert ask(session, after="what the browser held", now=NOW + MINUTE) != first


def test_another_browser_cannot_work_out_a_challenge(session: Session) -> None:
    ask(session, after="one browser")
    with pytest.raises(TooManyTries):
        ask(session, after="another browser", now=NOW + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("limits", "asked"),
    [
        ({"per_number_hour": 2}, [(NUMBER, "192.0.2.1"), (NUMBER, "192.0.2.2"), (NUMBER, "192.0.2.3")]),
        ({"per_number_day": 2}, [(NUMBER, "192.0.2.1"), (NUMBER, "192.0.2.2"), (NUMBER, "192.0.2.3")]),
        (
            {"per_address_hour": 2},
            [("+16135550101", "192.0.2.1"), ("+16135550102", "192.0.2.1"), (NUMBER, "192.0.2.1")],
        ),
        (
            {"per_address_hour": 2},
            [("+16135550101", "2001:db8::1"), ("+16135550102", "2001:db8::2"), (NUMBER, "2001:db8::3")],
        ),
        ({"per_day": 2}, [("+16135550101", "192.0.2.1"), ("+16135550102", "192.0.2.2"), (NUMBER, "192.0.2.3")]),
    ],
    ids=["number an hour", "number a day", "address an hour", "household an hour", "all a day"],
)
def test_codes_are_capped(session: Session, limits: dict[str, int], asked: list[tuple[str, str]]) -> None:
    *allowed, refused = asked
    caps = CodeLimits(
        **({"resend_seconds": 1, "per_number_hour": 99, "per_number_day": 99, "per_address_hour": 99} | limits)
    )
    for minute, (number, address) in enumerate(allowed):
        ask(session, number, address=address, limits=caps, now=NOW + minute * MINUTE)
    with pytest.raises(TooManyTries):
        ask(session, refused[0], address=refused[1], limits=caps, now=NOW + 9 * MINUTE)
    assert session.scalar(select(func.count()).select_from(Message)) == 2


def test_known_and_unknown_numbers_cost_the_same_statements(session: Session) -> None:
    session.add(PhoneAccount(number=NUMBER, language="en", created_at=NOW, verified_at=NOW))
    session.commit()
    statements = statements_of(session.get_bind().engine)
    ask(session, NUMBER)
    known = list(statements)
    statements.clear()
    ask(session, OTHER)
    assert statements == known and not any("phone_account" in statement for statement in known)


def test_no_number_or_address_stands_in_a_counter(session: Session) -> None:
    ask(session)
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in session.scalars(select(RateCounter.key)))


def test_a_refused_request_leaves_no_text_and_no_code(session: Session) -> None:
    ask(session)
    with pytest.raises(TooManyTries):
        ask(session)
    assert session.scalar(select(func.count()).select_from(SignInCode)) == 1
    assert session.scalar(select(func.count()).select_from(Message)) == 1


def test_the_page_can_say_where_the_code_was_sent(session: Session) -> None:
    assert number_of(session, challenge=ask(session)) == NUMBER
    assert number_of(session, challenge="no such challenge") is None


def test_numbers_of_one_beginning_get_no_more_than_a_days_share(session: Session):
    limits = dataclasses.replace(UNLIMITED, per_prefix_day=3)
    for last in range(3):
        ask(session, number=f"+1613777010{last}", limits=limits)
    with pytest.raises(TooManyTries):
        ask(session, number="+16137770109", limits=limits)
    ask(session, number="+16138880100", limits=limits)
