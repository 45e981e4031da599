"""Every way in which a booking can go astray: each ends somewhere sensible, with nothing typed lost."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Thread

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from scheduler.usecases.booking import drafts
from scheduler.usecases.booking.booking import book_slot
from scheduler.usecases.booking.request import BookingRequest
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local, make_patient
from tests.web.support.booking_clinic import (
    BORN,
    KNOWN,
    MONDAY_10,
    BookingVisitor,
    amelie,
    count_of,
    reach_review,
    visits,
)
from tests.web.support.visitor import Page


@pytest.fixture(autouse=True)
def now() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def _take(engine: Engine, practitioner: str) -> None:
    """The time chosen, eleven minutes later, for a patient at the desk."""
    with Session(engine) as session:
        book_slot(
            session,
            BookingRequest(
                clinic=CLINIC,
                patient=make_patient(session).id,
                treatment="follow-up",
                practitioner=practitioner,
                starts_local=MONDAY_10,
                now=NOW + timedelta(minutes=11),
                actor=STAFF,
                origin="desk",
            ),
        )


class TestNothingIsLost:
    def test_reload_and_back_show_each_page_as_it_was_left(self, visitor: BookingVisitor) -> None:
        reach_review(visitor)
        base = f"/book/{visitor.token}"
        for step in ("", "/time", "/number", "/code", "/who", "/review", "/time", "/review"):
            assert visitor.get(base + step).path == base + step
        assert dict(visitor.get(base + "/who").form("given_name").values)["given_name"] == "Jean-François"
        assert dict(visitor.get(base + "/number").form("number").values)["number"] == "613-555-0177"
        assert "Continue with Monday 30 November, 10:00 am" in visitor.get(base + "/time").html
        visitor.get(base + "/review")
        assert visitor.confirm().path.endswith("/done")

    def test_a_page_too_far_leads_to_the_first_one_not_done(self, visitor: BookingVisitor) -> None:
        visitor.begin()
        assert visitor.get(f"/book/{visitor.token}/review").path.endswith("/time")
        visitor.choose(MONDAY_10)
        assert visitor.get(f"/book/{visitor.token}/review").path.endswith("/number")

    def test_two_tabs_do_not_mix(self, visitor: BookingVisitor, engine: Engine) -> None:
        visitor.begin("ims-assessment")
        visitor.choose(MONDAY_10)
        first = visitor.page
        visitor.begin("ims-assessment")
        visitor.choose(local(MONDAY, "14:00"))
        second = visitor.page
        assert "2:00 pm" in second.text
        assert "10:00 am" in visitor.get(first.path).text
        assert {v.starts_local.hour for v in visits(engine, "held")} == {10, 14}
        visitor.give_number()
        visitor.type_code()
        visitor.say_who()
        visitor.confirm()
        visitor.get(second.path)
        assert visitor.follow("Continue with this number").path.endswith("/who")
        visitor.say_who(patient=visitor.page.form("patient").choices["patient"][0])
        visitor.confirm()
        assert sorted(v.starts_local.hour for v in visits(engine)) == [10, 14]

    def test_one_address_begins_only_so_many_bookings(
        self, visitor: BookingVisitor, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(drafts, "DRAFTS_OF_AN_ADDRESS", 2)
        for last in range(3):
            visitor.client.environ_base["REMOTE_ADDR"] = f"2001:db8::{last}"
            page = visitor.begin()
            assert page.path.endswith("/time") == (last < 2)
        assert (page.status, page.response.headers["Retry-After"]) == (429, "600")
        assert "Try again after 10:10 am, or call us." in page.text
        assert "ims-assessment" in dict(page.form("treatment").values).values()
        assert count_of(engine, "booking_draft") == 2

    def test_a_draft_opens_in_no_other_browser(self, visitor: BookingVisitor, other: BookingVisitor) -> None:
        reach_review(visitor)
        for step in ("", "/time", "/number", "/code", "/who", "/review", "/done"):
            page = other.get(f"/book/{visitor.token}{step}")
            assert page.status == 404
            assert "Jean" not in page.html and "0177" not in page.html
            sent = other.client.post(f"/book/{visitor.token}{step}", data={"given_name": "x"})
            assert sent.status_code in (400, 404, 405)

    def test_an_expired_hold_is_taken_again_without_a_word(
        self, visitor: BookingVisitor, engine: Engine, now: time_machine.Traveller
    ) -> None:
        reach_review(visitor)
        now.shift(timedelta(minutes=45))
        assert visitor.get(visitor.page.path).path.endswith("/review")
        assert visitor.confirm().path.endswith("/done")
        assert visits(engine)[0].starts_local == MONDAY_10

    @pytest.mark.parametrize("page", ["number", "code", "who"])
    def test_a_slot_that_is_no_longer_kept_and_lost_is_said_at_the_next_page(
        self, visitor: BookingVisitor, engine: Engine, now: time_machine.Traveller, page: str
    ) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        steps = {"number": visitor.give_number, "code": visitor.type_code, "who": visitor.say_who}
        for step, send in steps.items():
            now.shift(timedelta(minutes=3))
            if step == page:
                now.move_to(NOW + timedelta(minutes=11))
                _take(engine, "p1")
                _take(engine, "p2")
            if visitor.page.path.endswith(step):
                send()
        assert visitor.page.path.endswith("/time"), visitor.page.text
        assert "You had chosen Monday 30 November, 10:00 am" in visitor.page.text
        assert "Somebody else has just taken this time." in visitor.page.text
        assert count_of(engine, "message") == (0 if page == "number" else 1), "no code that nobody types"
        visitor.press("Monday 30 November, 10:30 am")
        assert visitor.page.path.endswith({"number": "/number", "code": "/birth-date", "who": "/review"}[page])

    def test_a_time_that_is_still_free_is_kept_anew_with_the_next_page(
        self, visitor: BookingVisitor, engine: Engine, now: time_machine.Traveller
    ) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        visitor.give_number()
        now.shift(timedelta(minutes=9))
        visitor.type_code()
        assert "We keep this time for you until 10:10 am." in visitor.page.text
        now.shift(timedelta(minutes=6))
        visitor.say_who()
        assert "Kept for you until 10:25 am" in visitor.page.text
        assert [
            held.starts_local for held in visits(engine, "held") if held.hold_until > NOW + timedelta(minutes=15)
        ] == [MONDAY_10]
        assert visitor.confirm().path.endswith("/done")

    def test_a_slot_lost_to_somebody_else_keeps_what_was_typed(
        self, visitor: BookingVisitor, engine: Engine, now: time_machine.Traveller
    ) -> None:
        reach_review(visitor)
        now.shift(timedelta(minutes=11))
        for practitioner in ("p1", "p2"):
            _take(engine, practitioner)
        page = visitor.confirm()
        assert page.path.endswith("/time")
        assert "You had chosen Monday 30 November, 10:00 am" in page.text
        assert "Somebody else has just taken this time." in page.text
        visitor.press("Monday 30 November, 10:30 am")
        assert visitor.page.path.endswith("/review")
        assert "Jean-François O’Brien" in visitor.page.text
        assert visitor.confirm().path.endswith("/done")
        assert count_of(engine, "phone_account") == 3

    def test_a_practitioner_lost_while_another_is_free_is_said_so(
        self, visitor: BookingVisitor, engine: Engine, now: time_machine.Traveller
    ) -> None:
        reach_review(visitor)
        assert "Pat1 Doe1" in visitor.page.text
        now.shift(timedelta(minutes=11))
        with Session(engine) as session:
            book_slot(
                session,
                BookingRequest(
                    clinic=CLINIC,
                    patient=make_patient(session).id,
                    treatment="follow-up",
                    practitioner="p1",
                    starts_local=MONDAY_10,
                    now=NOW + timedelta(minutes=11),
                    actor=STAFF,
                    origin="desk",
                ),
            )
        page = visitor.confirm()
        assert "It is no longer free with Pat1, but with somebody else." in page.text
        visitor.press("Monday 30 November, 10:00 am")
        assert "Pat2 Doe2" in visitor.page.text
        assert visitor.confirm().path.endswith("/done")

    def test_too_many_times_chosen_from_one_address_is_said_in_the_page(
        self, app: Flask, visitor: BookingVisitor, engine: Engine
    ) -> None:
        hours = [f"2026-11-30T{hour:02}:{minute:02}" for hour in range(9, 15) for minute in (0, 15, 30, 45)]
        visitor.begin()
        for start in hours[:20]:
            visitor.get(f"/book/{visitor.token}/time?day=2026-11-30")
            visitor.send(visitor.page.form("starts"), starts=start)
        visitor.get(f"/book/{visitor.token}/time?day=2026-11-30")
        page = visitor.send(visitor.page.form("starts"), starts=hours[20])
        assert "Too many times were chosen from here." in page.text
        assert page.form("starts")

    def test_confirming_twice_ends_at_the_same_visit(self, visitor: BookingVisitor, engine: Engine) -> None:
        reach_review(visitor)
        form, review = visitor.page.forms[-1], visitor.page
        first = visitor.send(form)
        visitor.page = review  # the back button
        assert visitor.send(form, csrf_token=_fresh_token(visitor)).path == first.path
        assert len(visits(engine)) == 1
        assert count_of(engine, "patient") == 1

    def test_two_presses_at_once_make_one_visit(self, visitor: BookingVisitor, app: Flask, engine: Engine) -> None:
        reach_review(visitor)
        request = visitor.request(visitor.page.forms[-1])
        cookies = "; ".join(f"{c.key}={c.value}" for c in visitor.client._cookies.values())
        landed: list[str] = []

        def press() -> None:
            client = app.test_client(use_cookies=False)
            answer = client.post(**request, headers={"Cookie": cookies})
            landed.append(f"{answer.status_code} {answer.headers.get('Location', '')[-5:]}")

        threads = [Thread(target=press) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert landed == ["303 /done"] * 4
        assert len(visits(engine)) == 1
        assert count_of(engine, "patient") == 1

    @pytest.mark.parametrize("commits", [1, 2, 3])
    def test_a_second_press_in_the_middle_of_the_first_ends_at_the_same_visit(
        self, visitor: BookingVisitor, app: Flask, engine: Engine, commits: int
    ) -> None:
        reach_review(visitor)
        request = visitor.request(visitor.page.forms[-1])
        headers = {"Cookie": "; ".join(f"{c.key}={c.value}" for c in visitor.client._cookies.values())}
        done: list[Session] = []
        second: list[str] = []

        def press() -> None:
            client = app.test_client(use_cookies=False)
            first, there = (
                client.post(**request, headers=headers),
                client.get(f"/book/{visitor.token}/done", headers=headers),
            )
            second.append(f"{first.status_code} {first.headers['Location'][-5:]} {there.status_code}")

        def press_after(session: Session) -> None:
            done.append(session)
            if len(done) == commits:
                thread = Thread(target=press)
                thread.start()
                thread.join()

        event.listen(Session, "after_commit", press_after)
        try:
            first = app.test_client(use_cookies=False).post(**request, headers=headers)
        finally:
            event.remove(Session, "after_commit", press_after)
        assert second == ["303 /done 200"]
        assert first.headers["Location"].endswith("/done")
        assert len(visits(engine)) == 1
        assert count_of(engine, "patient") == 1

    def test_a_confirmation_replayed_after_cancelling_books_nothing(
        self, visitor: BookingVisitor, engine: Engine
    ) -> None:
        reach_review(visitor)
        form, review = visitor.page.forms[-1], visitor.page
        visitor.send(form)
        visitor.page = review
        with Session(engine) as session:
            visit = session.get_one(type(visits(engine)[0]), visits(engine)[0].id)
            visit.status, visit.version, visit.changed_by = "cancelled", visit.version + 1, "staff:test"
            session.commit()
        visitor.send(form, csrf_token=_fresh_token(visitor))
        assert "This visit has been cancelled" in visitor.page.text
        assert visits(engine) == []

    @pytest.mark.parametrize("token", ["", "forged", None])
    def test_a_form_with_an_old_or_forged_token_changes_nothing_and_keeps_what_was_typed(
        self, visitor: BookingVisitor, engine: Engine, token: str | None
    ) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        visitor.give_number()
        visitor.type_code()
        page = visitor.say_who(given_name="Zoë", applies=["pregnancy"], csrf_token=token)
        assert page.status == 400
        assert page.title.startswith("Error:")
        assert "please press the button once more" in page.text
        form = page.form("given_name")
        assert dict(form.values)["given_name"] == "Zoë"
        assert ("applies", "pregnancy") in form.values
        assert visitor.send(form).path.endswith("/review")
        assert "Zoë" in visitor.page.text

    @pytest.mark.parametrize(("step", "button"), [("number", "Continue with this number"), ("code", "Continue")])
    def test_a_form_from_before_signing_in_elsewhere_names_the_button_that_is_there(
        self, visitor: BookingVisitor, engine: Engine, now: time_machine.Traveller, step: str, button: str
    ) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        if step == "code":
            visitor.give_number()
        stale = visitor.page
        now.shift(timedelta(minutes=1))
        visitor.sign_in("613-555-0177", "ims-assessment")  # in another tab
        visitor.page = stale
        page = visitor.send(stale.form(step))
        assert page.status == 400
        assert f"Go on with “{button}”." in page.text and "once more" not in page.text
        assert visitor.follow(button).path.endswith("/birth-date")
        assert visitor.give_birth_date(BORN).path.endswith("/who")

    def test_a_confirmation_without_a_token_books_nothing(self, visitor: BookingVisitor, engine: Engine) -> None:
        reach_review(visitor)
        page = visitor.confirm(csrf_token="forged")
        assert page.status == 400
        assert visits(engine) == []
        assert visitor.confirm().path.endswith("/done")

    def test_what_was_typed_wrongly_is_there_after_a_reload(self, visitor: BookingVisitor) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        visitor.give_number()
        visitor.type_code()
        visitor.say_who(given_name="Zoë", birth_date_month="13")
        values = dict(visitor.get(f"/book/{visitor.token}/who?lang=fr").form("given_name").values)
        assert (values["given_name"], values["birth_date_month"]) == ("Zoë", "13")

    def test_changing_the_treatment_asks_for_a_time_again_and_for_nothing_else(
        self, visitor: BookingVisitor, engine: Engine
    ) -> None:
        amelie(engine, 14)
        visitor.sign_in(KNOWN)
        visitor.choose(MONDAY_10)
        visitor.follow("Change the treatment")
        visitor.send(visitor.page.form("treatment"), treatment="follow-up")
        assert visitor.page.path.endswith("/time")
        visitor.choose(local(MONDAY, "11:00"))
        assert visitor.page.path.endswith("/review")


def _fresh_token(visitor: BookingVisitor) -> str:
    """As a page opened in this browser now has it."""
    return dict(Page(visitor.client.get("/book")).form("treatment").values)["csrf_token"]


class TestBadInput:
    @pytest.mark.parametrize(
        ("day", "month", "year", "words"),
        [
            ("30", "2", "1986", "That day does not exist in that month. Check the day."),
            ("31", "11", "1986", "That day does not exist in that month. Check the day."),
            ("29", "2", "1987", "That day does not exist in that month. Check the day."),
            ("14", "13", "1986", "There are 12 months: type a number from 1 to 12."),
            ("14", "3", "9999", "This date of birth is in the future. Check the year."),
            ("14", "3", "1586", "The year 1586 is too long ago."),
            ("14", "3", "86", "Type all 4 digits of the year."),
            ("14", "3", "0000", "does not exist"),
            ("", "", "", "Type the date of birth, for example 14 3 1986."),
            ("14", "", "1986", "The month is missing."),
            ("mars", "3", "1986", "Use numbers for day, month and year."),
            ("14", "3", "1" * 5000, "Type all 4 digits of the year."),
            ("-1", "3", "1986", "Use numbers for day, month and year."),
            ("٣", "3", "²²²²", "Use numbers for day, month and year."),
        ],
    )
    def test_a_birth_date_that_cannot_be(
        self, visitor: BookingVisitor, day: str, month: str, year: str, words: str
    ) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        visitor.give_number()
        visitor.type_code()
        page = visitor.say_who(birth_date_day=day, birth_date_month=month, birth_date_year=year)
        assert page.status == 422
        assert page.text.count(words) >= 2, page.text  # in the summary and at the field
        assert page.title.startswith("Error: Who is coming")

    @pytest.mark.parametrize(
        "name", ["Nguyễn Thị Minh Khai", "محمد", "王小明", "Ōta", "O’Brien-Lachapelle", "D", "कुमार", "a\x00b"]
    )
    def test_names_in_any_script(self, visitor: BookingVisitor, name: str) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        visitor.give_number()
        visitor.type_code()
        visitor.say_who(given_name=name)
        assert name.replace("\x00", " ") in visitor.confirm().text

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("", "Type the first name."),
            ("   ", "Type the first name."),
            ("12345", "Type the first name."),
            ("x" * 101, "This name is too long: at most 100 letters fit."),
            ("x" * 200_000, "This name is too long: at most 100 letters fit."),
        ],
    )
    def test_names_that_cannot_be(self, visitor: BookingVisitor, name: str, words: str) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        visitor.give_number()
        visitor.type_code()
        page = visitor.say_who(given_name=name)
        assert page.status == 422
        assert words in page.text

    @pytest.mark.parametrize(
        "number", ["", "12", "613-555", "+44 20 7946 0958", "1-800-555-0199", "call me", "6" * 4000, "\x00"]
    )
    def test_numbers_that_cannot_be(self, visitor: BookingVisitor, engine: Engine, number: str) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        page = visitor.give_number(number)
        assert page.status == 422
        assert "613-555-0142" in page.text  # an example
        assert count_of(engine, "message") == 0

    def test_codes_that_cannot_be_and_codes_used_up(self, visitor: BookingVisitor) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        visitor.give_number()
        right = visitor.code()
        wrong = f"{(int(right) + 1) % 1_000_000:06}"
        for typed in ("", "12345", "1234567", "abcdef", "x" * 9000):
            assert "Type the 6 digits from the text message." in visitor.type_code(typed or " ").text
        assert "You have 4 tries left." in visitor.type_code(wrong).text
        for _ in range(4):
            visitor.type_code(wrong)
        assert "can no longer be used" in visitor.type_code(right).text

    def test_a_code_may_be_typed_with_spaces_or_other_digits(self, visitor: BookingVisitor) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        visitor.give_number()
        code = visitor.code()
        arabic = "".join("٠١٢٣٤٥٦٧٨٩"[int(c)] for c in code)
        assert visitor.type_code(f"{arabic[:3]} {arabic[3:]}").path.endswith("/who")

    def test_a_new_code_can_be_asked_for(
        self, visitor: BookingVisitor, engine: Engine, now: time_machine.Traveller
    ) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        visitor.give_number()
        page = visitor.press("Send a new code")
        assert (page.status, page.response.headers["Retry-After"]) == (429, "30")
        assert "Codes were asked for too often" in page.text
        now.shift(timedelta(seconds=31))
        assert "Only the newest one works" in visitor.press("Send a new code").text
        assert count_of(engine, "message") == 2
        assert visitor.type_code().path.endswith("/who")

    def test_a_number_that_gets_no_more_codes_is_answered_with_the_time_to_wait_for(
        self, visitor: BookingVisitor, other: BookingVisitor
    ) -> None:
        other.begin()
        other.choose(local(MONDAY, "14:00"))
        other.give_number("613-555-0177")
        visitor.begin()
        visitor.choose(MONDAY_10)
        page = visitor.give_number("(613) 555 0177")
        assert (page.status, page.response.headers["Retry-After"]) == (429, "30")
        assert "Codes were asked for too often. Ask for a new one after 10:00 am" in page.text
        for shown in (page, visitor.get(page.path)):
            assert dict(shown.form("number").values)["number"] == "(613) 555 0177", "what was typed is still there"

    def test_somebody_elses_patient_cannot_be_named(self, visitor: BookingVisitor, engine: Engine) -> None:
        with Session(engine) as session:
            stranger = make_patient(session, number="+16135550143").public_id
        amelie(engine, 14)
        visitor.sign_in(KNOWN)
        page = visitor.get("/book")
        page = visitor.send(page.form("treatment"), treatment="ims", patient=stranger)
        assert page.status == 422
        assert "Choose who the visit is for." in page.text

    @pytest.mark.parametrize("treatment", ["surgery", "", "x" * 5000, "\x00"])
    def test_a_treatment_that_is_not_there(self, visitor: BookingVisitor, treatment: str) -> None:
        page = visitor.begin(treatment)
        assert page.status == 422
        assert "Choose what you would like to book." in page.text

    def test_screening_has_to_be_answered(self, visitor: BookingVisitor) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        visitor.give_number()
        visitor.type_code()
        form = visitor.page.form("given_name")
        assert "Tick what applies, or “None of these”." in visitor.send(form).text
        assert "Which of the two is right?" in visitor.say_who(applies=["nothing", "pregnancy"]).text
        page = visitor.say_who(
            applies=["needled_elsewhere"], needled_on_day="1", needled_on_month="12", needled_on_year="2026"
        )
        assert "That day is still to come." in page.text

    def test_a_form_of_nonsense_is_no_error_of_ours(self, visitor: BookingVisitor) -> None:
        visitor.begin()
        token = dict(visitor.page.form("starts").values)["csrf_token"]
        for step in ("", "/time", "/number", "/code", "/code/again", "/who", "/review"):
            for data in (
                "",
                f"{'x' * 500}={'y' * 500}",
                "applies=a&" * 500 + "patient=%00&code=%FF%FE&starts=%ED%A0%BD",
            ):
                answer = visitor.client.post(
                    f"/book/{visitor.token}{step}",
                    data=f"{data}&csrf_token={token}".encode(),
                    content_type="application/x-www-form-urlencoded",
                    follow_redirects=True,
                )
                assert answer.status_code < 500
