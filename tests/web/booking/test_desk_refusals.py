"""Refusals as the desk says them: about the patient, never to them."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from scheduler.domain.booking.availability import HiddenReason
from scheduler.domain.booking.refusals import (
    BookingRefused,
    NotCleared,
    PatientBusy,
    RoomTaken,
    SlotNotOffered,
    SlotTaken,
)
from scheduler.domain.booking.treatment_spacing import CountingVisit, TreatmentTooSoon, VisitMustMove
from scheduler.domain.errors import NotFound, TooManyTries
from scheduler.domain.visits.appointment_status import AppointmentStatus, StatusRefused
from scheduler.web.desk.refusals import Sought, desk_words
from scheduler.web.words.refusals import explain
from tests.factories import MONDAY, NOW, local

WANTED = local(MONDAY + timedelta(days=3), "10:00")
MARIE = Sought(patient_id=1, name="Marie", starts_local=WANTED, minutes=45, practitioner_id=1)


def too_soon(clash: CountingVisit, kind: type[TreatmentTooSoon] = TreatmentTooSoon) -> TreatmentTooSoon:
    allowed = clash.starts_local + timedelta(days=7)
    return kind(wanted_local=WANTED, clash=clash, earliest=allowed, latest_before=None, min_days=7)


HERE = CountingVisit(local(MONDAY, "10:00"))
ELSEWHERE = CountingVisit(local(MONDAY + timedelta(days=1), "00:00"), elsewhere=True, time_known=False)
REFUSALS: list[BookingRefused | NotFound] = [
    *(SlotNotOffered(reason) for reason in HiddenReason),
    *(too_soon(HERE), too_soon(ELSEWHERE), too_soon(ELSEWHERE, VisitMustMove)),
    *(SlotTaken(), RoomTaken(), NotCleared(), PatientBusy()),
    StatusRefused(from_status=AppointmentStatus.BOOKED, to_status=AppointmentStatus.COMPLETED),
]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_refusal_speaks_to_the_patient(app: Flask, language: str) -> None:
    for refusal in REFUSALS:
        for sought in (None, MARIE):
            with app.test_request_context(f"/desk?lang={language}", headers={"Accept-Language": language}):
                words = " ".join(desk_words(refusal, sought))
            assert not re.search(r"\b(you|your|telephone|téléphonez)\b", words, re.I), words


@pytest.mark.parametrize(
    ("at", "clash", "title"),
    [
        (NOW, HERE, "Marie is booked for such a visit on Monday 30 November."),
        (NOW + timedelta(days=4), HERE, "Marie was here for such a visit on Monday 30 November."),
        (NOW, ELSEWHERE, "Marie had IMS elsewhere on Monday 30 November."),
    ],
)
def test_too_soon_says_when_the_patient_was_here_and_may_come_again(
    app: Flask, at: object, clash: CountingVisit, title: str
) -> None:
    with time_machine.travel(at, tick=False), app.test_request_context("/desk"):
        said, advice = desk_words(too_soon(clash), MARIE)
    assert said == title
    assert advice.startswith("They must be at least 7 days apart: the next is allowed from ")


def test_nobody_at_the_desk_is_told_to_telephone_the_clinic(app: Flask) -> None:
    for error in (TooManyTries(NOW), Exception()):
        with app.test_request_context("/desk/sign-in"):
            assert "telephone" not in explain(error).advice
        with app.test_request_context("/book"):
            assert "telephone" in explain(error).advice
