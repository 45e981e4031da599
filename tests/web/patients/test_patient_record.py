"""One patient's record, for whoever asks what is kept about them."""

import csv
import io
import zipfile
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from scheduler.models import AppointmentNote, Base
from scheduler.queries.patients import export, page
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient
from tests.web.support.desk_staff import make_staff, sign_in

NOT_OF_A_RECORD = {
    "patient_search_word",  # the names once more, folded
    "visit_link",  # hashes that end within days
    "booking_draft",  # a day
    "reply_choice",  # numbers that a text gave to visits
    "known_browser",  # hashes
    "birth_date_asked",  # that somebody tried
    "retention_act",  # of a record that is blank
}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_record_is_a_pdf_to_read_and_a_table_to_work_with(
    client: FlaskClient, session: Session, language: str
) -> None:
    make_clinic(session)
    make_staff(session, "owner")
    patient = make_patient(session, given_name="=Zoé Nguyễn", note="Przemysław\nsays “hello”")
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    session.add(AppointmentNote(appointment_id=visit.id, words="prone", written_at=NOW, written_by="staff:owner"))
    session.commit()
    sign_in(client, session, "owner")
    answer = client.get(f"/desk/patients/{patient.public_id}/record.zip", headers={"Accept-Language": language})
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as files:
        pdf, table = (files.read(f"{patient.public_id}.{ending}") for ending in ("pdf", "csv"))
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")
    rows = {(row["part"], row["field"]): row["value"] for row in csv.DictReader(io.StringIO(table.decode("utf-8-sig")))}
    assert rows["patient", "given_name"] == "'=Zoé Nguyễn"
    assert rows["appointment_note", "words"] == "prone"
    assert rows["appointment", "practitioner"] == "Pat1 Doe1"


def test_every_table_about_a_patient_is_in_the_export_or_is_said_not_to_be(session: Session) -> None:
    make_clinic(session)
    patient = make_patient(session, created_at=NOW - timedelta(days=1))
    record = page.record(session.connection(), patient.public_id)
    exported = set(export.everything(session.connection(), record, number=record.number))
    about = {
        name
        for name, table in Base.metadata.tables.items()
        if {"patient_id", "appointment_id", "kept_patient_id"} & set(table.columns.keys())
    }
    assert about - exported - NOT_OF_A_RECORD == set()
