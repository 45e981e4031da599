"""The owner's page of old records."""

from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import Patient
from tests.factories import NOW, local, make_appointment, make_clinic, make_patient
from tests.web.support.desk_staff import make_staff, said, sign_in, token
from tests.web.support.pages import plain

ENGLISH = {"Accept-Language": "en"}


def test_old_records_are_looked_at_held_or_blanked_by_the_owner(client: FlaskClient, session: Session) -> None:
    make_clinic(session)
    make_staff(session, "owner")
    sign_in(client, session, "owner")
    page = client.get("/desk/retention", headers=ENGLISH)
    assert "No record is that old." in plain(page)
    long_ago = NOW - timedelta(days=365 * 12)
    held, blanked = (make_patient(session, created_at=long_ago, given_name=name) for name in ("Held", "Gone"))
    make_appointment(session, patient=held, starts_local=local(long_ago.date(), "10:00"), status="completed")
    csrf = {"csrf_token": token(page)}
    hold = f"/desk/retention/{held.public_id}/hold"
    on = said(client.get("/desk/retention", headers=ENGLISH), hold)
    refused = client.post(hold, data={**on, "reason": " "}, headers=ENGLISH)
    assert refused.status_code == 422 and "Give the reason" in plain(refused)
    assert client.post(hold, data={**on, "reason": "a claim"}, headers=ENGLISH).status_code == 303
    assert client.post("/desk/retention/look", data=csrf, headers=ENGLISH).status_code == 422
    chosen = {**csrf, "patient": [held.public_id, blanked.public_id]}
    asked = client.post("/desk/retention/look", data=chosen, headers=ENGLISH)
    assert "Blank 1 record?" in plain(asked) and "Gone" in plain(asked) and "Held" not in plain(asked)
    assert (
        client.post(
            "/desk/retention/blank",
            data={**chosen, **said(asked), "patient": blanked.public_id, "sure": "yes"},
            headers=ENGLISH,
        ).status_code
        == 303
    )
    session.expire_all()
    session.rollback()
    assert session.scalars(select(Patient.given_name).order_by(Patient.id)).all() == ["Held", "–"]
