import dataclasses
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import TooManyTries
from scheduler.domain.sign_in.refusals import CodeGone, CodeWrong, TooManyWrong
from scheduler.models.patients.patient import PhoneAccount
from scheduler.models.staff.access import RateCounter, SignInCode
from scheduler.models.texts.sms import Message
from scheduler.usecases.sign_in.code_limits import CodeLimits
from scheduler.usecases.sign_in.sign_in import can_be_typed, number_of, request_code, verify_code
from tests.factories import make_patient
from tests.support.statements import statements_of

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
    per_address_day=1000,
    everybodys_part=1,
    hours_share=1,
)
NONE_KEPT_BACK = {"everybodys_part": 1, "hours_share": 1}


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
        r"East Side Physio: your code is \d{6}\. It works for 10 minutes\. "
        r"Reply STOP to end all texts, sign-in codes too\.\n\n@book\.example\.ca #\d{6}",
        text.body,
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


def test_after_the_last_wrong_try_a_new_code_is_had_at_once(session: Session) -> None:
    challenge = ask(session)
    mistype(session, challenge, 4)
    with pytest.raises(TooManyTries):
        ask(session)
    mistype(session, challenge, 1)
    assert not can_be_typed(session, challenge=challenge, number=NUMBER, now=NOW)
    session.commit()
    challenge = ask(session)
    assert can_be_typed(session, challenge=challenge, number=NUMBER, now=NOW)


def asked_and_mistyped(session: Session, now: datetime) -> None:
    challenge, wrong = ask(session, limits=UNLIMITED, now=now), another(last_code(session))
    for _ in range(5):
        with pytest.raises((CodeWrong, CodeGone)):
            type_in(session, challenge, wrong, now=now)


def test_after_twenty_wrong_codes_the_pauses_grow_until_a_right_one(session: Session) -> None:
    now, waited = NOW, []
    for _ in range(4):
        asked_and_mistyped(session, now)
    for _ in range(3):
        with pytest.raises(TooManyWrong) as refusal:
            ask(session, limits=UNLIMITED, now=now)
        waited.append((refusal.value.again_at - now, refusal.value.wrong))
        now = refusal.value.again_at
        asked_and_mistyped(session, now)
    assert waited == [(30 * MINUTE, 20), (60 * MINUTE, 25), (120 * MINUTE, 30)]
    now += 240 * MINUTE
    type_in(session, ask(session, limits=UNLIMITED, now=now), last_code(session), now=now)
    now += MINUTE
    for _ in range(4):
        asked_and_mistyped(session, now)
    with pytest.raises(TooManyWrong) as refusal:
        ask(session, limits=UNLIMITED, now=now)
    assert refusal.value.again_at == now + 30 * MINUTE


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
        (
            {"per_day": 2} | NONE_KEPT_BACK,
            [("+16135550101", "192.0.2.1"), ("+16135550102", "192.0.2.2"), (NUMBER, "192.0.2.3")],
        ),
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


def test_numbers_of_one_beginning_get_no_more_than_a_days_share(session: Session) -> None:
    limits = dataclasses.replace(UNLIMITED, per_prefix_day=3)
    for last in range(3):
        ask(session, number=f"+1613777010{last}", limits=limits)
    with pytest.raises(TooManyTries):
        ask(session, number="+16137770109", limits=limits)
    ask(session, number="+16138880100", limits=limits)


def test_a_refused_beginning_uses_up_nothing_of_the_others(session: Session) -> None:
    limits = dataclasses.replace(UNLIMITED, per_prefix_day=1, per_day=3)
    ask(session, number="+16137770100", limits=limits)
    for last in range(5):
        with pytest.raises(TooManyTries):
            ask(session, number=f"+1613777011{last}", limits=limits)
    for prefix in (881, 882):
        assert ask(session, number=f"+1613{prefix}0100", limits=limits)


SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SPARE = CodeLimits(per_day=10)
"""Six for everybody, two of them an hour; four for patients."""


def texted(session: Session) -> list[str]:
    return list(session.scalars(select(Message.number).order_by(Message.id)))


def strangers(session: Session, count: int, *, now: datetime = NOW, limits: CodeLimits = SPARE, first: int = 0) -> None:
    for index in range(first, first + count):
        ask(session, f"+1613{600 + index}0199", address=f"198.51.100.{index}", limits=limits, now=now)


@SQLITE
def test_an_hour_gives_strangers_only_a_share_of_the_day(session: Session) -> None:
    for hour in range(5):
        strangers(session, 4, now=NOW + timedelta(hours=hour), first=4 * hour)
    assert len(texted(session)) == 6
    hours = [(at - NOW) // timedelta(hours=1) for at in session.scalars(select(Message.created_at))]
    assert hours == [0, 0, 1, 1, 2, 2]


def test_when_strangers_have_used_up_the_hour_patients_still_get_their_code(session: Session) -> None:
    make_patient(session, number=NUMBER)
    strangers(session, 20)
    challenge = ask(session, limits=SPARE)
    assert texted(session)[2:] == [NUMBER]
    assert type_in(session, challenge, last_code(session)).number == NUMBER


def test_a_number_that_is_nobodys_gets_the_same_answer_and_no_text(session: Session) -> None:
    make_patient(session, number=NUMBER)
    strangers(session, 20)
    session.commit()
    statements = statements_of(session.get_bind().engine)
    seen = []
    for number in (NUMBER, OTHER):
        statements.clear()
        challenge = ask(session, number, limits=SPARE)
        assert can_be_typed(session, challenge=challenge, number=number, now=NOW)
        session.commit()
        with pytest.raises(TooManyTries) as refusal:
            ask(session, number, limits=SPARE, now=NOW + timedelta(seconds=3))
        with pytest.raises(CodeWrong):
            type_in(session, challenge, "no code")
        seen.append((refusal.value.again_at, len(challenge), len(statements)))
        seen.append([s for s in statements if "SAVEPOINT" not in s.upper()])
    assert seen[:2] == seen[2:]
    assert texted(session)[2:] == [NUMBER]


def test_when_the_patients_part_is_used_up_too_nobody_gets_one_and_nobody_sees_whose_number_it_is(
    session: Session,
) -> None:
    patients = [f"+1613555{last:04}" for last in range(6)]
    for number in patients:
        make_patient(session, number=number)
    strangers(session, 20)
    for number in patients[:4]:
        ask(session, number, limits=SPARE, address="203.0.113.1")
    seen = []
    for number in (OTHER, patients[4], "+16135559999"):
        with pytest.raises(TooManyTries) as refusal:
            ask(session, number, limits=SPARE, address="203.0.113.2")
        seen.append(refusal.value.again_at)
    assert set(seen) == {NOW + timedelta(days=1)}
    assert len(texted(session)) == 6


@SQLITE
def test_asking_for_numbers_that_are_nobodys_uses_up_nothing_of_the_patients_part(session: Session) -> None:
    make_patient(session, number=NUMBER)
    strangers(session, 60)
    ask(session, limits=SPARE)
    assert texted(session)[2:] == [NUMBER]


def test_a_beginning_that_is_used_up_leaves_its_patients_their_codes(session: Session) -> None:
    make_patient(session, number=NUMBER)
    limits = CodeLimits(per_prefix_day=1)
    ask(session, "+16135550100", limits=limits, address="198.51.100.1")
    ask(session, "+16135550101", limits=limits, address="198.51.100.2")
    ask(session, NUMBER, limits=limits)
    assert texted(session) == ["+16135550100", NUMBER]


@SQLITE
def test_one_ipv6_site_does_not_use_up_the_days_codes(session: Session) -> None:
    make_patient(session, number=NUMBER)
    refused = 0
    for index in range(140):
        try:
            ask(session, f"+1613{200 + index}0199", address=f"2001:db8:1:{index * 256:x}::1")
        except TooManyTries:
            refused += 1
    assert (len(texted(session)), refused) == (60, 80), "an hour; and at most 180 a day of the 300 for everybody"
    ask(session, address="203.0.113.9")
    assert texted(session)[-1] == NUMBER


@SQLITE
def test_codes_have_a_months_budget_of_their_own(session: Session) -> None:
    make_patient(session, number=NUMBER)
    clinic = dataclasses.replace(CLINIC, code_parts_monthly=10)
    for day in range(20):
        now = NOW + timedelta(days=day)
        ask(session, f"+1613{600 + day}0199", clinic=clinic, limits=CodeLimits(per_day=100), now=now)
    assert len(texted(session)) == 6, "parts for everybody, in December"
    later = NOW + timedelta(days=20)
    for hour in range(4):
        ask(session, clinic=clinic, now=later + timedelta(hours=hour))
    with pytest.raises(TooManyTries) as refusal:
        ask(session, clinic=clinic, now=later + timedelta(hours=5))
    assert refusal.value.again_at == datetime(2027, 1, 1, 5, tzinfo=UTC), "midnight at the clinic"
    ask(session, OTHER, clinic=clinic, now=refusal.value.again_at)
    assert texted(session)[6:] == [NUMBER] * 4 + [OTHER]


def test_a_code_sent_before_the_key_was_changed_still_lets_in(session: Session) -> None:
    challenge, code = ask(session, secret="the key of before"), last_code(session)
    with pytest.raises(CodeWrong):
        type_in(session, challenge, code)
    with pytest.raises(CodeWrong):
        type_in(session, challenge, another(code), earlier_secrets=["another", "the key of before"])
    assert type_in(session, challenge, code, earlier_secrets=["another", "the key of before"]).number == NUMBER
