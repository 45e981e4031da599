"""From home to a booked visit, and every way in which that can go astray."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Thread

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from scheduler.domain.visit_reference import reference_of
from scheduler.models import Patient
from scheduler.usecases import booking_drafts
from scheduler.usecases.booking import book_slot
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local, make_appointment, make_clinic, make_patient
from tests.web.booking_clinic import BookingVisitor, count_of, visits
from tests.web.visitor import Page

MONDAY_10 = local(MONDAY, "10:00")
KNOWN = "+16135550142"


@pytest.fixture(autouse=True)
def now() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def visitor(app: Flask, engine: Engine) -> BookingVisitor:
    with Session(engine) as session:
        make_clinic(session)
    return BookingVisitor(app, engine)


@pytest.fixture
def other(app: Flask, engine: Engine) -> BookingVisitor:
    return BookingVisitor(app, engine)


def amelie(engine: Engine, *days_before_monday: int, cleared: bool = True, status: str = "completed") -> None:
    """A patient on KNOWN with IMS visits at 10:00, that many days before MONDAY."""
    with Session(engine) as session:
        patient = make_patient(session, number=KNOWN, cleared=cleared, given_name="Amélie", family_name="Lévesque")
        for days in days_before_monday:
            make_appointment(session, patient=patient, starts_local=MONDAY_10 - timedelta(days=days), status=status)


def reach_review(visitor: BookingVisitor, start: datetime = MONDAY_10, treatment: str = "ims-assessment") -> None:
    visitor.begin(treatment)
    visitor.choose(start)
    visitor.give_number()
    visitor.type_code()
    visitor.say_who()
    assert visitor.page.path.endswith("/review"), visitor.page.text


class TestTheWayThrough:
    def test_a_new_patient_books_in_six_pages_between_home_and_done(
        self, visitor: BookingVisitor, engine: Engine
    ) -> None:
        visitor.get("/")
        visitor.follow("Book a visit")
        form = visitor.page.form("treatment")
        visitor.send(form, been_before="no", treatment="ims-assessment")
        visitor.choose(MONDAY_10)
        visitor.give_number()
        visitor.type_code()
        visitor.say_who(applies=["fear_of_needles", "blood_thinners"])
        visitor.confirm()
        assert list(dict.fromkeys(visitor.pages)) == [
            "/",
            "/book",
            "/book/…/time",
            "/book/…/number",
            "/book/…/code",
            "/book/…/who",
            "/book/…/review",
            "/book/…/done",
        ]
        (visit,) = visits(engine)
        assert visit.starts_local == MONDAY_10
        assert "Monday 30 November, 10:00 am" in visitor.page.text
        assert reference_of(visit.id) in visitor.page.text
        assert "Jean-François O’Brien" in visitor.page.text
        assert f"/appointments/{visit.public_id}.ics" in visitor.page.html
        assert "webcal://" in visitor.page.html

    def test_the_visit_file_and_the_feed_of_the_last_page_open(self, visitor: BookingVisitor) -> None:
        reach_review(visitor)
        done = visitor.confirm()
        ics = done.link("Add this visit only")
        assert b"BEGIN:VEVENT" in visitor.client.get(ics).data
        feed = done.link("iPhone").replace("webcal://127.0.0.1:8000", "")
        assert b"BEGIN:VEVENT" in visitor.client.get(feed).data

    def test_the_last_page_is_closed_by_signing_out_for_a_copied_cookie_too(self, visitor: BookingVisitor) -> None:
        reach_review(visitor)
        done = visitor.confirm()
        copied = visitor.client.get_cookie("clinic")
        assert copied
        visitor.get("/me")
        visitor.press("Sign out")
        visitor.client.set_cookie("clinic", copied.value)
        assert visitor.get(done.path).status == 404
        assert "Jean-François" not in visitor.page.text

    def test_steps_are_counted(self, visitor: BookingVisitor) -> None:
        assert "Step 1 of 6" in visitor.get("/book").text
        assert "Step 2 of 6" in visitor.begin().text
        assert "Step 3 of 6" in visitor.choose(MONDAY_10).text

    def test_somebody_signed_in_books_in_three_pages(self, visitor: BookingVisitor, engine: Engine) -> None:
        amelie(engine, 14)
        visitor.sign_in(KNOWN)
        visitor.pages.clear()
        assert "Step 1 of 3" in visitor.get("/book").text
        visitor.send(visitor.page.form("treatment"), treatment="ims")
        assert "Step 2 of 3" in visitor.page.text
        visitor.choose(MONDAY_10)
        assert "Step 3 of 3" in visitor.page.text
        visitor.confirm()
        assert list(dict.fromkeys(visitor.pages)) == ["/book", "/book/…/time", "/book/…/review", "/book/…/done"]
        assert len(visits(engine)) == 1

    def test_a_restricted_patient_is_told_to_telephone(self, visitor: BookingVisitor, engine: Engine) -> None:
        amelie(engine, 14)
        with Session(engine) as session:
            session.query(Patient).one().restricted_at = NOW
            session.commit()
        visitor.sign_in(KNOWN)
        visitor.get("/book")
        visitor.send(visitor.page.form("treatment"), treatment="ims")
        visitor.choose(MONDAY_10)
        assert "Nothing can be booked online for this patient. Please telephone the clinic." in visitor.confirm().text
        assert visits(engine) == []

    def test_a_returning_patient_signs_in_before_seeing_times(self, visitor: BookingVisitor, engine: Engine) -> None:
        amelie(engine, 14)
        page = visitor.begin("ims", been_before="yes")
        assert page.path.endswith("/number")
        visitor.give_number(KNOWN)
        assert visitor.type_code().path.endswith("/time")
        assert "for Amélie Lévesque" in visitor.page.text
        visitor.choose(MONDAY_10)
        assert visitor.confirm().path.endswith("/done")

    def test_a_family_says_for_whom(self, visitor: BookingVisitor, engine: Engine) -> None:
        amelie(engine, 14)
        with Session(engine) as session:
            known = session.query(Patient).one()
            session.add(
                Patient(
                    given_name="Luc", family_name="Lévesque", phone_account_id=known.phone_account_id, created_at=NOW
                )
            )
            session.commit()
        page = visitor.sign_in(KNOWN, "ims-assessment")
        assert page.path.endswith("/who")
        luc = page.form("patient").choices["patient"][1]
        visitor.say_who(patient=luc)
        assert "for Luc Lévesque" in visitor.page.text
        visitor.choose(MONDAY_10)
        assert "Luc Lévesque" in visitor.confirm().text

    def test_choosing_for_somebody_else_asks_for_a_time_that_they_can_have(
        self, visitor: BookingVisitor, engine: Engine
    ) -> None:
        amelie(engine, 4)
        with Session(engine) as session:
            known = session.query(Patient).one()
            luc = Patient(
                given_name="Luc",
                family_name="Lévesque",
                phone_account_id=known.phone_account_id,
                created_at=NOW,
                cleared_for_ims_at=NOW,
            )
            session.add(luc)
            session.commit()
            hers, his = known.public_id, luc.public_id
        visitor.sign_in(KNOWN)
        visitor.say_who(patient=his)
        visitor.choose(MONDAY_10)
        visitor.get(f"/book/{visitor.token}")
        page = visitor.send(visitor.page.form("treatment"), patient=hers)
        assert page.path.endswith("/time")
        assert "You had chosen Monday 30 November, 10:00 am" in page.text
        assert "This is too soon after the visit on Thursday 26 November." in page.text

    def test_a_new_member_of_the_family_is_registered(self, visitor: BookingVisitor, engine: Engine) -> None:
        amelie(engine)
        visitor.sign_in(KNOWN, "ims-assessment")
        visitor.get("/book")
        visitor.send(visitor.page.form("treatment"), treatment="ims-assessment", patient="new")
        visitor.choose(MONDAY_10)
        assert visitor.page.path.endswith("/who")
        visitor.say_who(patient="new", given_name="Zoë")
        assert visitor.confirm().path.endswith("/done")
        assert "Zoë O’Brien" in visitor.page.text

    def test_the_same_person_typed_again_is_not_registered_twice(self, visitor: BookingVisitor, engine: Engine) -> None:
        reach_review(visitor)
        visitor.confirm()
        visitor.get("/book")
        visitor.send(visitor.page.form("treatment"), treatment="ims-assessment", patient="new")
        visitor.choose(local(MONDAY, "14:00"))
        visitor.say_who(patient="new", given_name="jean-françois ")
        visitor.confirm()
        assert count_of(engine, "patient") == 1
        assert len(visits(engine)) == 2

    def test_screening_is_filled_with_the_last_answers(self, visitor: BookingVisitor) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        visitor.give_number()
        visitor.type_code()
        visitor.say_who(applies=["blood_thinners", "implants_near"])
        visitor.confirm()
        visitor.get("/book")
        visitor.send(visitor.page.form("treatment"), treatment="follow-up")
        review = visitor.choose(local(MONDAY, "14:00"))
        ticked = [value for name, value in review.form("applies").values if name == "applies"]
        assert ticked == ["blood_thinners", "implants_near"]


class TestTheRule:
    def test_within_seven_days_the_page_says_so_and_offers_allowed_starts_alone(
        self, visitor: BookingVisitor, engine: Engine
    ) -> None:
        amelie(engine, 4)  # Thursday 26 November
        page = visitor.sign_in(KNOWN)
        assert (
            "You were here on Thursday 26 November; the next day you can come for IMS is Thursday 3 December"
            in page.text
        )
        assert "Your next IMS visit can be from Thursday 3 December, 10:00 am." in page.text
        assert visitor.times()[0] == "2026-12-03T10:00"

    def test_a_booked_visit_to_come_counts_as_well(self, visitor: BookingVisitor, engine: Engine) -> None:
        amelie(engine, -7, status="booked")  # Monday 7 December
        visitor.sign_in(KNOWN)
        assert "2026-11-30T10:00" in [*visitor.times(), *_times_of(visitor, "2026-11-30")]
        assert "2026-11-30T10:15" not in _times_of(visitor, "2026-11-30")

    def test_somebody_not_cleared_is_led_to_the_assessment_with_the_reason(
        self, visitor: BookingVisitor, engine: Engine
    ) -> None:
        amelie(engine, cleared=False)
        page = visitor.sign_in(KNOWN)
        assert "No physiotherapist has cleared Amélie for IMS yet" in page.text
        assert visitor.press("Book an assessment instead").path.endswith("/time")
        assert "Assessment, 60 minutes" in visitor.page.text

    def test_a_first_visit_of_ims_is_led_to_the_assessment(self, visitor: BookingVisitor) -> None:
        page = visitor.begin("ims", been_before="no")
        assert "IMS begins with an assessment" in page.text
        assert "Assessment, 60 minutes" in visitor.press("Book an assessment instead").text

    def test_a_first_visit_is_no_follow_up(self, visitor: BookingVisitor, engine: Engine) -> None:
        page = visitor.begin("follow-up", been_before="no")
        assert "A first visit is an assessment" in page.text and "cleared here" not in page.text
        assert "Assessment, 60 minutes" in visitor.press("Book an assessment instead").text
        visitor.begin("follow-up", been_before="yes")
        visitor.give_number()
        assert "A first visit is an assessment" in visitor.type_code().text, "nobody is known on this number"
        amelie(engine, 14)
        other = BookingVisitor(visitor.client.application, engine)
        assert other.sign_in(KNOWN, "follow-up").path.endswith("/time")

    def test_who_skipped_signing_in_is_told_right_after_the_code_and_keeps_everything(
        self, visitor: BookingVisitor, engine: Engine
    ) -> None:
        amelie(engine, 4)
        visitor.begin("ims", been_before="no")
        visitor.press("I have been cleared here")
        visitor.choose(local(MONDAY, "15:00"))
        visitor.give_number(KNOWN)
        page = visitor.type_code()
        assert (
            "You were here on Thursday 26 November; the next day you can come for IMS is Thursday 3 December"
            in page.text
        )
        visitor.press("Thursday 3 December, 10:00 am")
        assert visitor.page.path.endswith("/who")
        visitor.send(visitor.page.form("patient"), applies=["nothing"])
        assert visitor.confirm().path.endswith("/done")
        assert visits(engine)[0].starts_local == datetime(2026, 12, 3, 10)

    def test_who_insists_on_the_time_that_is_too_soon_is_asked_for_another(
        self, visitor: BookingVisitor, engine: Engine
    ) -> None:
        amelie(engine, 4)
        visitor.begin("ims", been_before="no")
        visitor.press("I have been cleared here")
        visitor.choose(local(MONDAY, "15:00"))
        visitor.give_number(KNOWN)
        page = visitor.type_code()
        known = page.form("given_name").choices["patient"][0]
        page = visitor.say_who(patient=known, applies=["recent_surgery"])
        assert page.path.endswith("/time")
        assert "You had chosen Monday 30 November, 3:00 pm" in page.text
        visitor.press("Thursday 3 December, 10:00 am")
        assert visitor.page.path.endswith("/review")
        assert "I had surgery in the last six months" in visitor.page.text
        assert visitor.confirm().path.endswith("/done")

    def test_ims_elsewhere_counts_and_the_nearest_starts_are_offered(
        self, visitor: BookingVisitor, engine: Engine
    ) -> None:
        amelie(engine, 21)
        visitor.sign_in(KNOWN)
        review = visitor.choose(MONDAY_10)
        page = visitor.send(
            review.form("applies"),
            applies=["needled_elsewhere"],
            needled_on_day="25",
            needled_on_month="11",
            needled_on_year="2026",
        )
        assert page.path.endswith("/time")
        assert "You had IMS elsewhere on Wednesday 25 November" in page.text
        assert "the next day you can come for IMS is Thursday 3 December" in page.text  # from the end of that day
        visitor.press("Thursday 3 December")
        assert visitor.page.path.endswith("/review")
        assert dict(visitor.page.form("applies").values)["needled_on_day"] == "25"
        assert visitor.confirm().path.endswith("/done")

    def test_a_start_nobody_offered_is_refused_with_words(self, visitor: BookingVisitor, engine: Engine) -> None:
        amelie(engine, 4)
        visitor.sign_in(KNOWN)
        form = visitor.page.form("starts")
        page = visitor.send(form, starts="2026-12-01T10:00")
        assert page.status == 422
        assert "This is too soon after the visit on Thursday 26 November." in page.text
        assert visits(engine, "held") == []


def _times_of(visitor: BookingVisitor, day: str) -> list[str]:
    visitor.get(f"{visitor.page.path}?day={day}")
    return visitor.times()


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
        monkeypatch.setattr(booking_drafts, "DRAFTS_OF_AN_ADDRESS", 2)
        for _ in range(2):
            assert visitor.begin().path.endswith("/time")
        page = visitor.begin()
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

    def test_a_slot_lost_to_somebody_else_keeps_what_was_typed(
        self, visitor: BookingVisitor, engine: Engine, now: time_machine.Traveller
    ) -> None:
        reach_review(visitor)
        now.shift(timedelta(minutes=11))
        with Session(engine) as session:
            for practitioner in ("p1", "p2"):
                book_slot(
                    session,
                    clinic=CLINIC,
                    patient_id=make_patient(session).id,
                    treatment="follow-up",
                    practitioner=practitioner,
                    starts_local=MONDAY_10,
                    now=NOW + timedelta(minutes=11),
                    actor=STAFF,
                    origin="desk",
                )
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
                clinic=CLINIC,
                patient_id=make_patient(session).id,
                treatment="follow-up",
                practitioner="p1",
                starts_local=MONDAY_10,
                now=NOW + timedelta(minutes=11),
                actor=STAFF,
                origin="desk",
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


class TestTimes:
    def test_only_dates_with_times_ten_a_page(self, visitor: BookingVisitor) -> None:
        page = visitor.begin()
        assert page.html.count('class="day') - page.html.count('class="day-row') - page.html.count('class="days') == 10
        assert "Sunday" not in page.text
        later = visitor.follow("Show later dates")
        assert "Wednesday 9 December" in later.text
        assert "Friday 27 November" in visitor.follow("Back to the earliest dates").text

    def test_the_open_date_groups_its_times_and_the_button_repeats_it(self, visitor: BookingVisitor) -> None:
        visitor.begin()
        page = visitor.get(f"{visitor.page.path}?day=2026-11-30")
        assert "Morning 9:00 am" in page.text and "Afternoon 12:00 pm" in page.text
        assert "Continue with Monday 30 November" in page.text

    def test_with_one_practitioner_only_theirs_are_shown(self, visitor: BookingVisitor, engine: Engine) -> None:
        with Session(engine) as session:
            make_appointment(
                session,
                patient=make_patient(session),
                starts_local=MONDAY_10,
                practitioner="p2",
                treatment="follow-up",
            )
        visitor.begin()
        visitor.follow("Pat2 D.")
        assert 'aria-current="true">Pat2 D.' in visitor.page.html
        visitor.get(f"{visitor.page.path}?practitioner=p2&day=2026-11-30")
        assert "2026-11-30T10:00" not in visitor.times()
        visitor.send(visitor.page.form("starts"), starts="2026-11-30T11:00")
        assert "with Pat2 Doe2" in visitor.page.text

    def test_no_choice_says_what_to_do(self, visitor: BookingVisitor) -> None:
        visitor.begin()
        page = visitor.send(visitor.page.form("starts"))
        assert page.status == 422
        assert page.title.startswith("Error: Choose a time")
        assert 'href="#starts"' in page.html and 'id="starts"' in page.html

    @pytest.mark.parametrize(
        "start",
        [
            "2026-11-30T10:07",
            "2026-11-22T10:00",
            "2026-11-30T03:00",
            "2027-11-30T10:00",
            "9999-12-31T23:45",
            "0001-01-01T00:00",
            "2026-11-30T10:00+00:00",
            "2026-02-30T10:00",
            "tomorrow",
            "٢٠٢٦",
            "x" * 5000,
            "\x00",
        ],
    )
    def test_a_start_that_cannot_be_is_refused_in_the_page(self, visitor: BookingVisitor, start: str) -> None:
        visitor.begin()
        page = visitor.send(visitor.page.form("starts"), starts=start)
        assert page.status == 422
        assert page.title.startswith("Error:")
        assert page.form("starts").choices["starts"]

    @pytest.mark.parametrize(
        "query", ["day=x", "from=9999-12-31", "from=0001-01-01", "practitioner=nobody", "day=2026-02-30"]
    )
    def test_an_odd_address_shows_times_all_the_same(self, visitor: BookingVisitor, query: str) -> None:
        visitor.begin()
        page = visitor.get(f"{visitor.page.path}?{query}")
        assert page.status == 200
        assert "When would you like to come?" in page.text

    def test_a_time_held_by_one_visitor_is_not_offered_to_another(
        self, visitor: BookingVisitor, other: BookingVisitor, engine: Engine
    ) -> None:
        with Session(engine) as session:
            make_appointment(
                session,
                patient=make_patient(session),
                starts_local=MONDAY_10,
                treatment="ims-assessment",
                practitioner="p2",
            )
        visitor.begin()
        visitor.choose(MONDAY_10)
        other.begin()
        assert "2026-11-30T10:00" not in _times_of(other, "2026-11-30")
        assert "2026-11-30T10:00" in _times_of_draft(visitor)  # one's own hold is no obstacle

    def test_an_empty_answer_says_why_and_what_to_do(self, visitor: BookingVisitor, engine: Engine) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM working_hours WHERE practitioner_id = 1")
        visitor.begin()
        page = visitor.get(f"{visitor.page.path}?practitioner=p1")
        assert "Pat1 has no free time in the next 90 days." in page.text
        assert visitor.follow("Show times with anyone").form("starts")
        with engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM working_hours")
        page = visitor.get(visitor.page.path)
        assert "Nobody works in the next 90 days" in page.text
        assert "613-555-0100" in page.text

    def test_choosing_another_time_gives_the_first_one_back(self, visitor: BookingVisitor, engine: Engine) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        visitor.get(f"/book/{visitor.token}/time")
        visitor.choose(local(MONDAY, "11:00"))
        assert [v.starts_local.hour for v in visits(engine, "held")] == [11]


def _times_of_draft(visitor: BookingVisitor) -> list[str]:
    visitor.get(f"/book/{visitor.token}/time?day=2026-11-30")
    return visitor.times()


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
        assert "Codes were asked for too often" in visitor.press("Send a new code").text
        now.shift(timedelta(seconds=31))
        assert "Only the newest one works" in visitor.press("Send a new code").text
        assert count_of(engine, "message") == 2
        assert visitor.type_code().path.endswith("/who")

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


def test_every_page_makes_a_fixed_number_of_queries(app: Flask, visitor: BookingVisitor, engine: Engine) -> None:
    """At most 5 for the slots; besides them the draft, the account and the family."""
    amelie(engine, 4, 11, 18)
    visitor.sign_in(KNOWN)
    statements: list[str] = []
    with app.app_context():
        from scheduler.extensions import db

        event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    counts = {}
    for name, query in (
        ("first", ""),
        ("later", "?from=2026-12-20"),
        ("one", "?practitioner=p1"),
        ("far", "?from=2027-02-20"),
    ):
        statements.clear()
        visitor.get(f"/book/{visitor.token}/time{query}")
        counts[name] = len([s for s in statements if s.lstrip().upper().startswith("SELECT")])
    assert max(counts.values()) <= 8, counts
