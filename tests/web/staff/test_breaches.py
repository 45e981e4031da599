"""The owner's record of breaches: lines are added, never changed, and the last word counts."""

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from scheduler.models.staff.breach import Breach
from tests.factories import NOW, make_clinic
from tests.web.support.desk_staff import Desk, make_staff
from tests.web.support.pages import plain

TYPED = {
    "happened_on": "2026-11-20",
    "kind": "lost",
    "people": "12",
    "what": "A printed day sheet",
    "whose": "Those of 20 November",
    "told": "All of them, by telephone, on 21 November",
}


def test_a_breach_is_written_down_corrected_and_counted(app: Flask, session: Session) -> None:
    make_clinic(session)
    make_staff(session, "owner", "receptionist")
    with time_machine.travel(NOW, tick=False):
        owner = Desk(app.test_client(), session, "owner")
        for field, wrong in (("happened_on", "2026-12-20"), ("kind", "x"), ("people", "many"), ("what", "")):
            assert owner.post("/desk/breaches", **TYPED | {field: wrong}).status_code == 422
        assert owner.post("/desk/breaches", **TYPED).status_code == 303
        first = session.query(Breach).one().id
        session.rollback()
        assert "A printed day sheet" in owner.get("/desk/breaches", corrects=str(first)).text
        assert owner.post("/desk/breaches", **TYPED | {"people": "11", "corrects": first}).status_code == 303
        assert owner.post("/desk/breaches", **TYPED | {"corrects": first}).status_code == 404
        page = plain(owner.get("/desk/breaches"))
        assert "Lost 1 11" in page and "Corrected since: does not count" in page
        assert "Lost 1 11" not in plain(owner.get("/desk/breaches", year="2025"))
        assert Desk(app.test_client(), session).get("/desk/breaches").status_code == 403
    for change in (update(Breach).values(people=0), delete(Breach)):
        with pytest.raises(DBAPIError, match="breaches_are_append_only"):
            session.execute(change)
        session.rollback()
