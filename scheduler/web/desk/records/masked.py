"""The desk's lists, without what tells of a protected patient: their visits stay on them as a block."""

from datetime import date

from sqlalchemy import Connection

from scheduler.queries.calendar import desk_day
from scheduler.queries.calendar.desk_calendar import CalendarVisit
from scheduler.queries.calendar.desk_day import DeskVisit
from scheduler.queries.patients.identity import AskedNumber, Undated
from scheduler.queries.texts.calls import Call
from scheduler.queries.visits.ims_given import GivenVisit
from scheduler.queries.visits.ims_reviews import ReviewedVisit
from scheduler.queries.visits.must_move import DisplacedVisit
from scheduler.web.desk.records.protection import allowed, hidden, masked, protected_words


def visits_of_day(connection: Connection, day: date) -> list[DeskVisit]:
    return masked(
        desk_day.visits_of_day(connection, day),
        patient=protected_words(),
        number=None,
        treatment_en="",
        treatment_fr="",
        first_visit=False,
        flagged=False,
        reminder_failed=False,
        ims_given=None,
        ims_open=False,
    )


def calendar_visits(visits: list[CalendarVisit]) -> list[CalendarVisit]:
    """Without a name although they are no slots that are being booked: that is how the calendar knows them."""
    kept_from = hidden().visits
    return [_without_patient(visit) if visit.public_id in kept_from else visit for visit in visits]


def _without_patient(visit: CalendarVisit) -> CalendarVisit:
    return visit._replace(
        given_name=None,
        family_name=None,
        birth_date=None,
        ims="",
        flagged=False,
        came_before=True,
        reminder_failed=False,
        noted=False,
    )


def calls(found: list[Call]) -> list[Call]:
    words = protected_words()
    return masked(found, given_name="", family_name=words, number=None, treatment_en="", treatment_fr="")


def displaced(found: list[DisplacedVisit]) -> list[DisplacedVisit]:
    return masked(found, patient=protected_words(), number=None, treatment_en="", treatment_fr="")


def given(found: list[GivenVisit]) -> list[GivenVisit]:
    return masked(found, patient=protected_words(), treatment_en="", treatment_fr="", concerns="", before_local=None)


def reviews(found: list[ReviewedVisit]) -> list[ReviewedVisit]:
    return masked(found, key="visit", patient=protected_words(), number=None, name_en="", name_fr="")


def numbers_asked_for(found: list[AskedNumber]) -> list[AskedNumber]:
    """Requests about protected patients are for those who may see them."""
    numbers = hidden().numbers
    return [
        one for one in found if one.old_number not in numbers and len(allowed(one.candidates)) == len(one.candidates)
    ]


def without_birth_date(found: list[Undated]) -> list[Undated]:
    return allowed(found)
