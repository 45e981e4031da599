"""Moving in by the page: upload, look, check, import."""

import io
import time

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler.domain.moving_in.problems import FILE_WORDS, WORDS
from scheduler.models import Patient, StaffUser
from scheduler.web.reception.import_words import FOR_TRANSLATORS
from tests.web import test_desk
from tests.web.test_desk import enter, token

staff = test_desk.staff  # a fixture
CSV = "Prénom;Nom;Né le;Fax\nZoë;Côté;03/04/1986;1\n=1+1;Roy;;2\n".encode("cp1252")


@pytest.fixture(autouse=True)
def own_folder(client: FlaskClient, tmp_path: object) -> None:
    client.application.instance_path = str(tmp_path)


def upload(client: FlaskClient, data: bytes, what: str = "patients") -> TestResponse:
    form = {"csrf_token": token(client.get("/desk/imports")), "what": what, "file": (io.BytesIO(data), "old.csv")}
    return client.post("/desk/imports", data=form, content_type="multipart/form-data")


def run(client: FlaskClient, page: str, **form: str) -> str:
    form["csrf_token"] = token(client.get(page))
    assert client.post(page, data=form).location == page
    for _ in range(100):
        shown = client.get(page).text
        if 'hx-trigger="every 1s"' not in shown:
            return shown
        time.sleep(0.05)
    raise AssertionError("it does not end")


def test_a_file_is_looked_at_checked_and_then_imported(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    enter(client, "owner")
    page = upload(client, CSV).location
    first = client.get(page).text
    assert "<option selected>Prénom</option>" in first and "Not imported: Fax" in first
    assert "1 problem keeps everything out" in run(client, page, mode="check")
    assert "may be day first or month first" in client.get(page).text
    assert "le jour ou le mois" in client.get(f"{page}?lang=fr").text
    assert "03/04/1986" in client.get(f"{page}/remarks.csv?lang=en").text
    checked = run(client, page, mode="check", date_order="dmy")
    assert "nothing stands in the way" in checked and "Import 2 rows" in checked
    assert session.scalars(select(Patient)).all() == []
    session.rollback()
    assert "2 rows were imported." in run(client, page, mode="import", date_order="dmy")
    assert session.scalars(select(Patient.given_name).order_by(Patient.id)).all() == ["Zoë", "=1+1"]
    exported = client.post("/desk/exports/patients", data={"csrf_token": token(client.get("/desk/imports"))})
    assert "'=1+1" in exported.text


def test_files_that_are_none_and_people_who_are_not_the_owner(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    enter(client, "receptionist")
    assert client.get("/desk/imports").status_code == 403
    owner = client.application.test_client()
    enter(owner, "owner")
    assert "This is an Excel file." in owner.get(upload(owner, b"PK\x03\x04").location).text
    assert owner.get("/desk/imports/../../etc/passwd").status_code == 404
    assert owner.get(f"/desk/imports/{'x' * 22}").status_code == 404
    parts = (("csrf_token", token(owner.get("/desk/imports")).encode()), ("what", b"patients"))
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (n.encode(), v) for n, v in parts
    )
    body += b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    body += b"Name,Fax\n" + b"Roy,1\n" * 200_000 + b"\r\n--x--\r\n"
    large = owner.post("/desk/imports", data=body, content_type="multipart/form-data; boundary=x")
    assert large.status_code == 303


def test_the_domains_words_are_listed_for_the_translators() -> None:
    assert {words._args[0] for words in FOR_TRANSLATORS} == set(WORDS.values()) | set(FILE_WORDS.values())
