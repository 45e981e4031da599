"""From home to a booked visit, by every kind of visitor; the seven days; the times on offer."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from scheduler.domain.booking.visit_reference import reference_of
from scheduler.models import Appointment, Patient, PhoneAccount, Screening
from tests.factories import MONDAY, NOW, let_act, local, make_appointment, make_patient
from tests.support.statements import statements_of_pages
from tests.web.support.booking_clinic import KNOWN, MONDAY_10, BookingVisitor, amelie, count_of, reach_review, visits
from tests.web.support.visitor import Page


@pytest.fixture(autouse=True)
def now() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


class TestTheWayThrough:
    def test_a_new_patient_books_in_seven_pages_between_home_and_done(
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
            "/book/…/birth-date",
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

    def test_a_visit_too_soon_to_be_changed_online_promises_no_change_online(
        self, visitor: BookingVisitor, now: time_machine.Traveller
    ) -> None:
        now.shift(timedelta(days=1, hours=23, minutes=30))  # Sunday 9:30, the visit is on Monday at 10:00
        reach_review(visitor)
        assert "online until 24 hours before it" in visitor.page.text
        now.shift(timedelta(hours=1))
        review = visitor.get(visitor.page.path)
        assert "This visit is soon." in review.text and "online until" not in review.text
        done = visitor.confirm()
        assert "To change this visit now, please call" in done.text and "You can move or cancel" not in done.text

    def test_the_last_page_promises_no_text_to_a_number_that_gets_none(
        self, visitor: BookingVisitor, engine: Engine
    ) -> None:
        reach_review(visitor)
        promise = "you get a text that confirms the visit"
        assert promise in visitor.confirm().text
        with Session(engine) as session:
            session.execute(update(PhoneAccount).values(opted_out_at=NOW, opted_out_by="STOP"))
            session.commit()
        again = visitor.get(visitor.page.path)
        assert "Your visit is booked" in again.text and promise not in again.text and "reminder comes" not in again.text

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
        assert "Step 1 of 7" in visitor.get("/book").text
        assert "Step 2 of 7" in visitor.begin().text
        assert "Step 3 of 7" in visitor.choose(MONDAY_10).text

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
        page = visitor.sign_in(KNOWN)
        assert "We could not match this" in page.text and "call us at 613-555-0100" in page.text

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
                    given_name="Luc",
                    family_name="Lévesque",
                    birth_date=date(2016, 5, 1),
                    phone_account_id=known.phone_account_id,
                    created_at=NOW,
                )
            )
            session.flush()
            let_act(session, known, session.query(Patient).filter_by(given_name="Luc").one())
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
                birth_date=date(2016, 5, 1),
            )
            session.add(luc)
            session.flush()
            let_act(session, known, luc)
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
        page = visitor.say_who(patient="new", given_name="jean-françois ")
        assert "is a patient here already" in page.text
        visitor.say_who(patient=page.form("patient").choices["patient"][0])
        visitor.confirm()
        assert count_of(engine, "patient") == 1
        assert len(visits(engine)) == 2

    def test_health_questions_come_unticked_with_the_earlier_answers_to_read(
        self, visitor: BookingVisitor, engine: Engine
    ) -> None:
        visitor.begin()
        visitor.choose(MONDAY_10)
        visitor.give_number()
        visitor.type_code()
        visitor.say_who(applies=["blood_thinners", "implants_near"])
        visitor.confirm()
        review = _review_of_another_visit(visitor)
        assert [value for name, value in review.form("applies").values if name in ("applies", "since")] == []
        assert "Since Friday 27 November:" in review.text
        assert "I take blood thinners" in review.text.split("Answered on 27 November 2026:")[1].split("Since Friday")[0]
        assert visitor.send(review.form("applies")).status == 422
        assert "Choose whether anything has changed." in visitor.page.text
        both = visitor.send(review.form("applies"), since="same", applies=["pregnancy"])
        assert both.status == 422 and "said that nothing has changed" in both.text
        none = visitor.send(review.form("applies"), since="changed", applies=None)
        assert none.status == 422 and visits(engine)[0].starts_local == MONDAY_10 and len(visits(engine)) == 1
        assert visitor.send(review.form("applies"), since="changed", applies=["pregnancy"]).path.endswith("/done")
        assert _answered(engine) == [{"blood_thinners", "implants_near"}, {"pregnancy"}]

    def test_nothing_has_changed_carries_the_earlier_answers_over(
        self, visitor: BookingVisitor, engine: Engine
    ) -> None:
        told = {"needled_on_day": "20", "needled_on_month": "11", "needled_on_year": "2026"}
        visitor.begin()
        visitor.choose(MONDAY_10)
        visitor.give_number()
        visitor.type_code()
        review = visitor.say_who(applies=["infection", "needled_elsewhere"], **told)
        assert "I have had IMS or dry needling at another clinic (20 November 2026)" in review.text
        visitor.confirm()
        review = _review_of_another_visit(visitor)
        assert "another clinic (20 November 2026)" in review.text
        assert visitor.send(review.form("applies"), since="same").path.endswith("/done")
        assert _answered(engine) == [{"infection", "needled_elsewhere"}] * 2

    def test_health_answers_are_not_taken_for_another_patient(self, visitor: BookingVisitor, engine: Engine) -> None:
        amelie(engine, 30)
        visitor.sign_in(KNOWN, "follow-up")
        visitor.choose(local(MONDAY, "14:00"))
        review = visitor.send(visitor.page.form("applies"), applies=["pregnancy", "nothing"])
        assert review.status == 422
        base = review.path.removesuffix("/review")
        visitor.get(base)
        visitor.send(visitor.page.form("treatment"), treatment="ims-assessment", patient="new")
        visitor.say_who(patient="new")
        visitor.choose(local(MONDAY, "14:00"))
        assert visitor.page.path.endswith("/review"), visitor.page.text
        assert [value for name, value in visitor.page.form("applies").values if name == "applies"] == []


def _review_of_another_visit(visitor: BookingVisitor) -> Page:
    visitor.get("/book")
    visitor.send(visitor.page.form("treatment"), treatment="follow-up")
    return visitor.choose(local(MONDAY, "14:00"))


def _answered(engine: Engine) -> list[set[str]]:
    with Session(engine) as session:
        rows = session.scalars(select(Screening.answers).order_by(Screening.id))
        return [{question for question, yes in answers.items() if yes} for answers in rows]


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
        assert "We could not match this" in visitor.type_code().text, "nobody is known on this number"
        assert "A first visit is an assessment" in visitor.go_on_as_new().text
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

    @pytest.mark.parametrize("decision", ["move", "cancel"])
    def test_ims_elsewhere_too_near_to_a_booked_visit_is_recorded_with_what_becomes_of_it(
        self, visitor: BookingVisitor, engine: Engine, decision: str
    ) -> None:
        amelie(engine, 0, status="booked")  # IMS on Monday 30 November
        page = _told_of_ims_elsewhere(visitor, local(MONDAY, "15:00") + timedelta(days=14))
        assert page.path.endswith("/earlier-visit") and page.status == 200
        assert (
            "The visit booked for Monday 30 November is too close to the IMS treatment you had elsewhere" in page.text
        )
        assert _counting(engine) == [("desk", "booked", MONDAY_10)], "nothing is done without a decision"
        with Session(engine) as session:  # but whoever opens that visit sees what was told
            told = session.scalars(select(Screening)).one()
            assert (
                told.flagged
                and told.appointment_id
                == session.scalars(select(Appointment.id).where(Appointment.origin == "desk")).one()
            )
            assert told.needled_elsewhere_on == date(2026, 11, 25)
        on_offer = [
            datetime.fromisoformat(start) for start in page.form("settle").choices["settle"] if start != "cancel"
        ]
        assert on_offer[0] == local(date(2026, 12, 3), "09:00") and len(on_offer) == 12
        chosen = on_offer[1]
        page = visitor.send(page.form("settle"))
        assert page.status == 422 and "Choose what becomes of this visit." in page.text
        page = visitor.send(
            page.form("settle"), settle="cancel" if decision == "cancel" else chosen.isoformat(timespec="minutes")
        )
        assert page.path.endswith("/review"), page.text
        assert ("is cancelled" if decision == "cancel" else "Your visit is now on Thursday 3 December") in page.text
        assert dict(page.form("applies").values)["needled_on_day"] == "25", "nothing typed is lost"
        elsewhere = ("elsewhere", "completed", local(date(2026, 11, 26), "00:00"))
        moved = ("desk", "cancelled", MONDAY_10) if decision == "cancel" else ("desk", "booked", chosen)
        assert _counting(engine) == [moved, elsewhere]
        assert visitor.confirm().path.endswith("/done")
        assert len(_counting(engine)) == 3

    @pytest.mark.parametrize("day", ["18", None])
    def test_a_day_told_by_mistake_is_no_longer_noted_on_the_visit_once_it_is_corrected(
        self, visitor: BookingVisitor, engine: Engine, day: str | None
    ) -> None:
        amelie(engine, 0, status="booked")
        page = _told_of_ims_elsewhere(visitor, local(MONDAY, "15:00") + timedelta(days=14))
        assert page.path.endswith("/earlier-visit")
        review = visitor.get(f"/book/{visitor.token}/review")
        applies = ["pregnancy", *(["needled_elsewhere"] if day else [])]
        assert visitor.send(review.form("applies"), applies=applies, needled_on_day=day or "").path.endswith("/done")
        with Session(engine) as session:
            noted, answered = session.scalars(select(Screening).order_by(Screening.id)).all()
        assert (noted.flagged, noted.needled_elsewhere_on) == (False, None)
        assert answered.flagged and answered.needled_elsewhere_on == (date(2026, 11, 18) if day else None)

    def test_settling_again_or_late_ends_where_the_booking_goes_on(
        self, visitor: BookingVisitor, engine: Engine, now: time_machine.Traveller
    ) -> None:
        amelie(engine, 0, status="booked")
        page = _told_of_ims_elsewhere(visitor, local(MONDAY, "15:00") + timedelta(days=14))
        form = page.form("settle")
        forged = visitor.send(form, settle="cancel", visit="somebodys-other-visit")
        assert forged.status == 422 and _counting(engine)[0][1] == "booked"
        another_day = visitor.send(form, settle="cancel", day="2026-11-24")
        assert "was changed in another tab" in another_day.text and _counting(engine)[0][1] == "booked"
        stale = visitor.send(form, settle="cancel", version="7")
        assert "has been changed in the meantime" in stale.text and _counting(engine)[0][1] == "booked"
        visitor.send(form, settle="cancel")
        assert visitor.send(form, settle="cancel").path.endswith("/review"), "a double click"
        assert visitor.get(f"/book/{visitor.token}/earlier-visit").path.endswith("/review")
        assert len(_counting(engine)) == 2

    def test_a_visit_that_patients_may_no_longer_change_is_for_the_telephone(
        self, visitor: BookingVisitor, engine: Engine, now: time_machine.Traveller
    ) -> None:
        amelie(engine, 0, status="booked")
        now.shift(timedelta(days=2, hours=2))  # Sunday noon: less than 24 hours before
        page = _told_of_ims_elsewhere(visitor, local(MONDAY, "15:00") + timedelta(days=14))
        assert page.path.endswith("/earlier-visit")
        assert "Please call" in page.text and "tel:" in page.html
        assert all("settle" not in form.choices for form in page.forms)
        assert visitor.follow("Change my answers").path.endswith("/review")

    def test_a_start_nobody_offered_is_refused_with_words(self, visitor: BookingVisitor, engine: Engine) -> None:
        amelie(engine, 4)
        visitor.sign_in(KNOWN)
        form = visitor.page.form("starts")
        page = visitor.send(form, starts="2026-12-01T10:00")
        assert page.status == 422
        assert "This is too soon after the visit on Thursday 26 November." in page.text
        assert visits(engine, "held") == []


def _told_of_ims_elsewhere(visitor: BookingVisitor, starts_local: datetime) -> Page:
    """On the review, for Wednesday 25 November."""
    visitor.sign_in(KNOWN)
    review = visitor.choose(starts_local)
    day = {"needled_on_day": "25", "needled_on_month": "11", "needled_on_year": "2026"}
    return visitor.send(review.form("applies"), applies=["needled_elsewhere"], **day)


def _counting(engine: Engine) -> list[tuple[str, str, datetime]]:
    """Visits of IMS and from when they count, but for holds."""
    a = Appointment
    with Session(engine) as session:
        rows = session.execute(
            select(a.origin, a.status, a.counts_from_local)
            .where(a.spacing_group_id.is_not(None), a.patient_id.is_not(None))
            .order_by(a.id)
        )
        return [tuple(row) for row in rows]


def _times_of(visitor: BookingVisitor, day: str) -> list[str]:
    visitor.get(f"{visitor.page.path}?day={day}")
    return visitor.times()


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


def test_every_page_makes_a_fixed_number_of_queries(app: Flask, visitor: BookingVisitor, engine: Engine) -> None:
    """At most 5 for the slots; besides them the draft, the account and the family."""
    amelie(engine, 4, 11, 18)
    visitor.sign_in(KNOWN)
    statements = statements_of_pages(app)
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
