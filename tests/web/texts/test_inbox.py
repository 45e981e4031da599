"""The desk's inbox: what patients wrote, who has read it, and what the desk answers."""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from scheduler.models import AuditLine, Message, Patient, PhoneAccount, WrongNumber
from scheduler.usecases.texts.replies.inbound import IncomingText, receive
from tests.factories import CLINIC, make_clinic, make_patient
from tests.web.calendar.test_desk import NOW, PASSWORD, StaffUser, enter, hash_password
from tests.web.support.pages import path_of, plain, send

NUMBER, STRANGER = "+16135550142", "+16135550143"
_sids = count(1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def patient(session: Session) -> Patient:
    make_clinic(session)
    return make_patient(session, number=NUMBER, given_name="Amélie", family_name="Roy")


@pytest.fixture
def desk(client: FlaskClient, session: Session, patient: Patient) -> FlaskClient:
    """Signed in as a receptionist."""
    hashed = hash_password(PASSWORD)
    for role in ("receptionist", "practitioner"):
        session.add(StaffUser(username=role, display_name=role, role=role, password_hash=hashed, created_at=NOW))
    session.commit()
    enter(client, "receptionist")
    return client


def text_in(
    session: Session, body: str, number: str = NUMBER, *, at: timedelta = timedelta(), attachments: int = 0
) -> None:
    receive(
        session,
        IncomingText(sid=f"SMin{next(_sids)}", number=number, body=body, attachments=attachments),
        clinic=CLINIC,
        now=NOW + at,
    )


def unread(client: FlaskClient) -> int:
    found = re.search(r"data-inbox-unread[^>]*><span data-number>(\d+)", client.get("/desk/list").text)
    assert found
    return int(found[1])


def thread_of(client: FlaskClient, words: str, *, where: str = "/desk/inbox") -> str:
    page = client.get(where).text
    found = re.search(rf'href="(/desk/inbox/\d+)#text-\d+">(?:(?!</a>).)*{words}', page, re.DOTALL)
    assert found, plain(client.get(where))
    return found[1]


def test_what_came_is_unread_until_somebody_read_it(desk: FlaskClient, session: Session) -> None:
    text_in(session, "Can I bring my dog?")
    text_in(session, "It is small.")
    text_in(session, "Buy gold", STRANGER)
    assert unread(desk) == 3
    there = thread_of(desk, "Amélie Roy")
    page = desk.get(there)
    assert plain(page).index("Can I bring my dog?") < plain(page).index("It is small.")
    assert "Buy gold" not in page.text + desk.get("/desk/inbox").text, "unknown numbers are kept apart"
    assert unread(desk) == 3, "looking changes nothing"
    text_in(session, "And quiet.")  # came while the page was open
    assert path_of(send(desk, page, "read")) == "/desk/inbox"
    assert unread(desk) == 2
    assert "Buy gold" in desk.get(thread_of(desk, "613-555-0143", where="/desk/inbox?from=unknown")).text
    kept = session.scalars(select(Message).where(Message.body == "It is small.")).one()
    assert (kept.read_by, kept.read_at) == ("staff:receptionist", NOW)


def test_an_answer_is_queued_once_and_counts_as_reading(desk: FlaskClient, session: Session) -> None:
    text_in(session, "Can I bring my dog?")
    there = thread_of(desk, "Amélie Roy")
    page = desk.get(there)
    for _ in range(2):
        assert path_of(send(desk, page, "answer", body="Bien sûr! 🐶")) == there
    assert unread(desk) == 0
    [answer] = session.scalars(select(Message).where(Message.direction == "out")).all()
    assert (answer.kind, answer.status, answer.number, answer.body) == ("desk", "queued", NUMBER, "Bien sûr! 🐶")
    assert (answer.written_by, answer.patient_id is not None) == ("staff:receptionist", True)
    shown = plain(desk.get(there))
    assert "Your answer is on its way." in shown and "From the desk (receptionist)" in shown


def test_of_two_at_one_thread_the_second_is_told_and_may_answer_all_the_same(
    desk: FlaskClient, session: Session
) -> None:
    text_in(session, "Can I bring my dog?")
    there = thread_of(desk, "Amélie Roy")
    page = desk.get(there)
    other = desk.application.test_client()
    session.add(
        StaffUser(
            username="owner", display_name="Kim", role="owner", password_hash=hash_password(PASSWORD), created_at=NOW
        )
    )
    session.commit()
    enter(other, "owner")
    assert path_of(send(other, other.get(there), "answer", body="Yes, do.")) == there
    refused = send(desk, page, "answer", body="No dogs, sorry.")
    assert refused.status_code == 409
    assert "A colleague has answered in the meantime." in plain(refused)
    assert "From the desk (Kim)" in plain(refused) and "No dogs, sorry." in refused.text
    assert path_of(send(desk, refused, "answer", body="No dogs, sorry.")) == there
    assert path_of(send(desk, desk.get(there), "answer", body="Only small ones.")) == there, (
        "one's own are no colleague's"
    )
    answers = session.scalars(select(Message.body).where(Message.kind == "desk").order_by(Message.id)).all()
    assert answers == ["Yes, do.", "No dogs, sorry.", "Only small ones."]


def test_the_parts_are_counted_without_script_and_nothing_is_sent(desk: FlaskClient, session: Session) -> None:
    text_in(session, "Hello?")
    page = desk.get(thread_of(desk, "Amélie Roy"))
    for body, words in (("à" * 160, "1 part"), ("a" * 161, "2 parts"), ("ê" * 71, "2 parts; letters like")):
        counted = send(desk, page, "answer", body=body, count="yes")
        assert words in plain(counted) and body in counted.text
    assert session.scalars(select(Message).where(Message.direction == "out")).all() == []


@pytest.mark.parametrize(("body", "says"), [("  \r\n ", "Write something first."), ("a" * 801, "This is too long")])
def test_an_answer_that_cannot_be_is_refused_with_words(
    desk: FlaskClient, session: Session, body: str, says: str
) -> None:
    text_in(session, "Hello?")
    refused = send(desk, desk.get(thread_of(desk, "Amélie Roy")), "answer", body=body)
    assert (refused.status_code, says in plain(refused)) == (422, True)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("expired", "✕ Answer not sent"),
        ("failed", "✕ Answer not sent"),
        ("undelivered", "✕ Answer not delivered"),
        ("in_doubt", "? Answer perhaps not delivered"),
        ("delivered", None),
        ("queued", None),
    ],
)
def test_the_list_says_what_became_of_the_answer(
    desk: FlaskClient, session: Session, status: str, says: str | None
) -> None:
    text_in(session, "Hello?")
    send(desk, desk.get(thread_of(desk, "Amélie Roy")), "answer", body="Come at five")
    session.execute(update(Message).where(Message.kind == "desk").values(status=status, next_attempt_at=None))
    session.commit()
    assert re.findall(r"[✕?] Answer [a-z ]*[a-z]", plain(desk.get("/desk/inbox"))) == ([says] if says else [])


def test_an_answer_that_is_too_long_is_refused_and_shown_again_whole(desk: FlaskClient, session: Session) -> None:
    text_in(session, "Hello?")
    page = desk.get(thread_of(desk, "Amélie Roy"))
    assert "maxlength" not in page.text  # a browser would cut what is pasted, and say nothing
    typed = "a" * 2_000 + " the end"
    refused = send(desk, page, "answer", body=typed)
    assert (refused.status_code, typed in refused.text) == (422, True)


def test_an_answer_that_was_not_sent_says_so_and_is_sent_again_once(desk: FlaskClient, session: Session) -> None:
    text_in(session, "Hello?")
    there = thread_of(desk, "Amélie Roy")
    send(desk, desk.get(there), "answer", body="Come at five")
    assert "Send again" not in desk.get(there).text
    session.execute(update(Message).where(Message.kind == "desk").values(status="expired", error_code="unavailable"))
    session.commit()
    assert "Answer not sent" in plain(desk.get("/desk/inbox"))
    page = desk.get(there)
    assert "This answer did not arrive." in plain(page) and "Come at five" in plain(page)
    for _ in range(2):
        assert path_of(send(desk, page, "again")) == there
    sent = session.scalars(select(Message).where(Message.kind == "desk").order_by(Message.id)).all()
    assert [(text.status, text.body, text.written_by) for text in sent] == [
        ("expired", "Come at five", "staff:receptionist"),
        ("queued", "Come at five", "staff:receptionist"),
    ]
    assert "Send again" not in desk.get(there).text
    assert "Answer not sent" not in plain(desk.get("/desk/inbox"))
    assert send(desk, page, "again", text="999999").status_code == 404
    [incoming] = session.scalars(select(Message.id).where(Message.direction == "in")).all()
    assert send(desk, page, "again", text=str(incoming)).status_code == 404
    text_in(session, "STOP")
    refused = send(desk, page, "again")
    assert (refused.status_code, "Please telephone instead." in plain(refused)) == (409, True)


def test_an_answer_to_what_was_not_read_yet_is_not_sent(desk: FlaskClient, session: Session) -> None:
    text_in(session, "Can I come at five?")
    there = thread_of(desk, "Amélie Roy")
    before = desk.get(there)
    text_in(session, "Sorry, I mean at six")
    refused = send(desk, before, "answer", body="Five is fine")
    assert refused.status_code == 409 and "Another text has come in the meantime." in plain(refused)
    assert "I mean at six" in plain(refused) and "Five is fine" in plain(refused)
    assert send(desk, before, "answer", body="Five is fine", up_to=None).status_code == 409
    assert path_of(send(desk, refused, "answer", body="Five is fine")) == there


def test_an_answer_that_waits_for_the_next_months_texts_says_so(desk: FlaskClient, session: Session) -> None:
    text_in(session, "Hello?")
    there = thread_of(desk, "Amélie Roy")
    send(desk, desk.get(there), "answer", body="Come at five")
    session.execute(update(Message).where(Message.kind == "desk").values(error_code="budget used up"))
    session.commit()
    assert "Waiting: the month’s texts are used up" in plain(desk.get(there))
    assert "Waiting: the month’s texts are used up" in plain(desk.get("/desk/outbox"))


def test_who_opted_out_cannot_be_answered(desk: FlaskClient, session: Session) -> None:
    text_in(session, "Hello?")
    there = thread_of(desk, "Amélie Roy")
    before = desk.get(there)
    text_in(session, "STOP")
    assert "it cannot be answered by text" in plain(desk.get(there))
    refused = send(desk, before, "answer", body="Hi")
    assert (refused.status_code, "Please telephone instead." in plain(refused)) == (409, True)
    assert "You had written: Hi" in plain(refused) and 'href="#answer"' not in refused.text
    assert session.scalars(select(Message).where(Message.kind == "desk")).all() == []


def test_a_wrong_number_is_stopped_or_not_as_reception_decides(
    desk: FlaskClient, session: Session, patient: Patient
) -> None:
    account = patient.phone_account
    assert account
    text_in(session, "wrong number!")
    there = thread_of(desk, "Amélie Roy")
    assert send(desk, desk.get(there), "wrong-number").status_code == 422, "without an answer nothing is lifted"
    session.rollback()
    assert session.scalars(select(WrongNumber)).one().lifted_at is None
    session.rollback()
    send(desk, desk.get(there), "wrong-number", stop="no")
    session.rollback()
    mark = session.scalars(select(WrongNumber)).one()
    assert (mark.stopped_at, mark.lifted_at) == (None, NOW)
    session.rollback()
    text_in(session, "I told you: wrong number", at=timedelta(hours=1))
    send(desk, desk.get(there), "wrong-number", stop="yes")
    mark = session.scalars(select(WrongNumber).order_by(WrongNumber.id.desc())).first()
    assert mark and (mark.stopped_at, mark.lifted_at, account.unreachable_at) == (NOW, None, None)
    told = session.scalars(select(AuditLine.details).where(AuditLine.patient_id == patient.id)).all()
    assert "wrong number: no more texts" in told
    assert "it is the wrong one" in plain(desk.get(there)) and "Please telephone" not in plain(desk.get(there))
    record = plain(desk.get(f"/desk/patients/{patient.public_id}"))
    assert "No texts: wrong number" in record and "it is the wrong number" in record and "unreachable" not in record


def test_a_family_is_named_and_the_thread_is_one(desk: FlaskClient, session: Session, patient: Patient) -> None:
    session.add(Patient(given_name="Léo", family_name="Roy", phone_account=patient.phone_account, created_at=NOW))
    session.commit()
    text_in(session, "Which of us?")
    assert "Amélie Roy, Léo Roy" in plain(desk.get(thread_of(desk, "Amélie Roy")))


def test_only_reception_and_owner_read_it_and_odd_addresses_are_404(
    desk: FlaskClient, session: Session, client: FlaskClient
) -> None:
    text_in(session, "Hello?")
    session.execute(update(PhoneAccount).values(language="en"))
    session.commit()
    for odd in ("/desk/inbox/0", "/desk/inbox/99999999999", "/desk/inbox/x", "/desk/inbox/-1"):
        assert desk.get(odd).status_code == 404
    assert desk.get("/desk/inbox?before=x&from=unknown").status_code == 200
    there = thread_of(desk, "Amélie Roy")
    other = desk.application.test_client()
    enter(other, "practitioner")
    assert other.get(there).status_code == other.get("/desk/inbox").status_code == 403
    assert desk.post(f"{there}/answer", data={"body": "forged"}).status_code == 400


def test_a_picture_without_words_is_said_to_be_one(desk: FlaskClient, session: Session, patient: Patient) -> None:
    text_in(session, "", attachments=1)
    words = "[a picture or file, not kept here]"
    for page in ("/desk/inbox", thread_of(desk, "Roy"), f"/desk/patients/{patient.public_id}", "/desk/outbox"):
        assert words in plain(desk.get(page)), page
    text_in(session, "My referral", attachments=2)
    assert "My referral [2 pictures or files, not kept here]" in plain(desk.get("/desk/inbox"))
    session.execute(update(Message).values(body=""))
    session.commit()
    for page in (thread_of(desk, "Roy"), f"/desk/patients/{patient.public_id}", "/desk/outbox"):
        assert "The words are no longer kept." in plain(desk.get(page)), page


@pytest.mark.parametrize("body", ["", "  \n", "\u00a0"])
def test_a_text_without_words_is_said_to_have_none(
    desk: FlaskClient, session: Session, patient: Patient, body: str
) -> None:
    text_in(session, body)
    for page in ("/desk/inbox", thread_of(desk, "Roy"), f"/desk/patients/{patient.public_id}", "/desk/outbox"):
        said = plain(desk.get(page))
        assert "[no words]" in said and "no longer kept" not in said, page
    session.rollback()  # what it has read is older than what the pages wrote
    session.execute(update(Message).values(body=""))
    session.commit()
    assert "The words are no longer kept." in plain(desk.get(thread_of(desk, "Roy")))


def test_names_and_short_codes_that_write_to_us_are_shown(desk: FlaskClient, session: Session) -> None:
    text_in(session, "ad", "CLINIC")
    text_in(session, "ad", "33612")
    page = desk.get("/desk/inbox?from=unknown").text
    assert "CLINIC" in page and "33612" in page
    assert desk.get("/desk/outbox").status_code == 200


def test_the_parts_are_those_of_what_is_sent(desk: FlaskClient, session: Session) -> None:
    """A browser sends a line's end as two signs; one goes out, and no space at the end."""
    text_in(session, "Hello?")
    page = desk.get(thread_of(desk, "Amélie Roy"))
    for body in ("a" * 79 + "\r\n" + "a" * 80, "a" * 160 + "  \r\n"):
        assert "1 part" in plain(send(desk, page, "answer", body=body, count="yes"))


def test_a_text_that_cannot_be_is_not_found(desk: FlaskClient, session: Session) -> None:
    text_in(session, "Hello?")
    there = thread_of(desk, "Amélie Roy")
    token = re.search(r'name="csrf_token" value="([^"]+)"', desk.get(there).text)
    assert token
    for text in ("9" * 30, "-1", str(2**40)):
        answer = desk.post(f"{there}/again", data={"csrf_token": token[1], "text": text})
        assert answer.status_code == 404


def test_accents_set_apart_are_joined_before_they_are_counted_and_sent(desk: FlaskClient, session: Session) -> None:
    text_in(session, "Hello?")
    page = desk.get(thread_of(desk, "Amélie Roy"))
    body = "e\u0301" * 80
    assert "1 part " in plain(send(desk, page, "answer", body=body, count="yes"))
    send(desk, page, "answer", body=body)
    assert session.scalars(select(Message.body).where(Message.kind == "desk")).one() == "é" * 80


def test_only_what_was_on_the_page_is_read_of_a_long_thread(desk: FlaskClient, session: Session) -> None:
    for number in range(103):
        text_in(session, f"Text number {number}.")
    there = thread_of(desk, "Amélie Roy")
    page = desk.get(there)
    assert "Text number 3." in page.text and "Text number 2." not in page.text
    send(desk, page, "read")
    assert unread(desk) == 3
    older = re.search(rf'href="({there}\?pages=2)"', page.text)
    assert older
    page = desk.get(older[1])
    assert "Text number 0." in page.text and "pages=3" not in page.text
    send(desk, page, "read")
    assert unread(desk) == 0
    assert desk.get(f"{there}?pages=x").status_code == 200


def test_the_patients_page_leads_to_the_thread_of_the_number_they_have_now(
    desk: FlaskClient, session: Session, patient: Patient
) -> None:
    record = f"/desk/patients/{patient.public_id}"
    text_in(session, "Buy gold", STRANGER)
    assert "/desk/inbox/" not in desk.get(record).text
    text_in(session, "Can I bring my dog?")
    there = thread_of(desk, "Amélie Roy")
    assert f'href="{there}#end">Answer<' in desk.get(record).text
    account = patient.phone_account
    assert account
    account.number = "+16135550144"
    session.commit()
    assert "/desk/inbox/" not in desk.get(record).text


def test_a_one_word_cancel_stands_first_until_it_is_read(desk: FlaskClient, session: Session) -> None:
    make_patient(session, number=STRANGER, given_name="Marco", family_name="Rossi")
    text_in(session, "Cancel.")
    text_in(session, "May I bring my daughter?", STRANGER, at=timedelta(minutes=5))
    page = desk.get("/desk/inbox", headers={"Accept-Language": "en"})
    assert plain(page).index("Amélie Roy") < plain(page).index("Marco Rossi")
    assert plain(page).count("may have meant the visit, call") == 1
    session.execute(update(Message).where(Message.number == NUMBER).values(read_at=NOW))
    session.commit()
    page = desk.get("/desk/inbox", headers={"Accept-Language": "en"})
    assert plain(page).index("Marco Rossi") < plain(page).index("Amélie Roy")
    assert "may have meant" not in plain(page)
