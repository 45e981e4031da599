"""Refusals have words, a status and something to do next, in both languages."""

from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import TooManyRequests

from scheduler.domain.booking.availability import HiddenReason
from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.booking.treatment_spacing import CountingVisit, TreatmentTooSoon
from scheduler.domain.errors import Busy, Invalid, NotFound
from scheduler.web.errors import answer
from scheduler.web.words.booking_refusals import HIDDEN
from scheduler.web.words.refusals import REFUSALS, explain

pytestmark = [
    pytest.mark.usefixtures("database_url"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


def test_every_refusal_of_the_domain_has_words() -> None:
    def kinds(kind: type[Exception]) -> set[type[Exception]]:
        return {kind}.union(*(kinds(below) for below in kind.__subclasses__()))

    refusals = (kinds(BookingRefused) | {NotFound, Invalid}) - {BookingRefused}
    assert refusals <= set(REFUSALS)
    assert set(HiddenReason) == set(HIDDEN)


def test_whoever_finds_the_database_busy_is_told_when_to_try_again(app: Flask) -> None:
    with app.test_request_context("/book", headers={"Accept-Language": "en"}):
        busy = app.make_response(answer(Busy()))
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "10")
    page = busy.get_data(as_text=True)
    assert "Nothing was changed." in page and "send it again in a minute" in page


@pytest.mark.parametrize(("path", "calls"), [("/nowhere", True), ("/desk/nowhere", False)])
def test_patients_are_told_to_call_and_the_clinic_is_not_told_to_call_itself(
    client: FlaskClient, path: str, calls: bool
) -> None:
    page = client.get(path, headers={"Accept-Language": "en"}).text
    assert "Reference:" in page and ("call us at" in page) is calls


def test_too_soon_names_the_day_of_the_visit_and_the_first_time_allowed(app: Flask) -> None:
    refusal = TreatmentTooSoon(
        wanted_local=datetime(2026, 12, 8, 9, 45),
        clash=CountingVisit(datetime(2026, 12, 1, 10)),
        earliest=datetime(2026, 12, 8, 10),
        latest_before=None,
        min_days=7,
    )
    with app.test_request_context(headers={"Accept-Language": "en"}):
        explained = explain(refusal)
    assert (explained.code, explained.status) == ("treatment-too-soon", 409)
    assert "Tuesday 1 December" in explained.title
    assert "Tuesday 8 December, from 10:00 am" in explained.advice


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/nowhere", "get", 404), ("/healthz", "post", 405), ("/api/v1/nowhere", "get", 404)],
)
def test_http_errors_say_what_to_do_next(client: FlaskClient, path: str, method: str, status: int) -> None:
    answer = getattr(client, method)(path)
    assert answer.status_code == status
    if path.startswith("/api/"):
        assert answer.mimetype == "application/problem+json"
        assert answer.json["code"] == "not-found"
        assert answer.json["status"] == 404
    else:
        assert 'href="/"' in answer.text
        assert "tel:613-555-0100" in answer.text
    if status == 405:
        assert "GET" in answer.headers["Allow"]


def test_too_much_is_refused_with_words(app: Flask) -> None:
    with app.test_request_context():
        assert explain(TooManyRequests()).code == "too-many-requests"
    app.config["MAX_CONTENT_LENGTH"] = 10
