"""Moving in by the page: upload, look, check, import."""

import fcntl
import io
import os
import re
import time
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

import config
from config import Config, ConfigError
from scheduler import create_app
from scheduler.domain.moving_in import columns
from scheduler.domain.moving_in.problems import FILE_WORDS, WORDS
from scheduler.extensions import db
from scheduler.models import Patient, StaffUser
from scheduler.serving.database_check import upgrade_database
from scheduler.usecases.moving_in.importing import open_file
from scheduler.web.desk.moving_in import words as import_words
from scheduler.web.desk.moving_in.import_runs import Run, Runs
from scheduler.web.desk.moving_in.imports import LARGEST_UPLOAD
from scheduler.web.desk.moving_in.words import FOR_TRANSLATORS
from tests.usecases.moving_in.test_importing import SETTINGS
from tests.web.calendar import test_desk
from tests.web.calendar.test_desk import enter, token
from tests.web.support.desk_staff import said

staff = test_desk.staff  # a fixture
CSV = "Prénom;Nom;Né le;Fax\nZoë;Côté;03/04/1986;1\nÈve;Roy;;2\n".encode("cp1252")


@pytest.fixture(autouse=True)
def own_folder(client: FlaskClient, tmp_path: object) -> None:
    client.application.instance_path = str(tmp_path)


def upload(client: FlaskClient, data: bytes, what: str = "patients") -> TestResponse:
    form = {"csrf_token": token(client.get("/desk/imports")), "what": what, "file": (io.BytesIO(data), "old.csv")}
    return client.post("/desk/imports", data=form, content_type="multipart/form-data")


def run(client: FlaskClient, page: str, **form: str) -> str:
    assert client.post(page, data={**said(client.get(page)), **form}).location == page
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
    assert "This file is not UTF-8" in first and "Row 2: Zoë | Côté" in first and "Row 2: Zo\u0308" not in first
    first = run(client, page, mode="check", encoding="windows-1252")
    assert '<option value="A" selected>A: Prénom</option>' in first and "Not imported: Fax" in first
    assert "1 problem keeps everything out" in run(client, page, mode="check", encoding="windows-1252")
    assert "may be day first or month first" in client.get(page).text
    assert "le jour ou le mois" in client.get(f"{page}?lang=fr").text
    assert "03/04/1986" in client.get(f"{page}/remarks.csv?lang=en").text
    checked = run(client, page, mode="check", date_order="dmy", encoding="windows-1252")
    assert "nothing stands in the way" in checked and "Import 2 rows" in checked
    assert session.scalars(select(Patient)).all() == []
    session.rollback()
    assert "2 rows were imported." in run(client, page, mode="import", date_order="dmy", encoding="windows-1252")
    assert session.scalars(select(Patient.given_name).order_by(Patient.id)).all() == ["Zoë", "Ève"]
    exported = client.post("/desk/exports/patients", data={"csrf_token": token(client.get("/desk/imports"))})
    assert "Ève" in exported.text


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


def test_a_long_list_is_downloaded_whole_and_shown_in_part(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    enter(client, "owner")
    page = upload(client, b"First name,Last name,DOB\n" + b"Eva,Roy,03/04/1986\n" * 250).location
    shown = run(client, page, mode="check")
    assert "250 problems keep everything out" in shown and "The first 200 are shown." in shown
    assert client.get(f"{page}/remarks.csv").text.count("may be day first") == 250
    assert "nothing stands in the way" in run(client, page, mode="check", date_order="dmy")
    assert client.get(f"{page}/remarks.csv").text.count("may be day first") == 0


def test_a_run_ends_with_its_process_and_is_not_begun_twice(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    enter(client, "owner")
    page = upload(client, CSV).location
    runs, key = Runs(client.application), page.rpartition("/")[2]
    with (runs.folder / f"{key}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        runs.write(key, Run("patients", "old.csv", state="running", stage="placing"))
        going = client.get(page).text
        assert "being saved now" in going and 'hx-trigger="every 1s"' in going
        opened = open_file("patients", CSV, encoding="windows-1252")
        runs.start(key, runs.read(key), opened, SETTINGS)
        assert runs.read(key).stage == "placing"
    assert "This was interrupted, and nothing was imported." in client.get(page).text


def test_a_file_too_large_is_refused_with_words(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    enter(client, "owner")
    length = str(LARGEST_UPLOAD + 1)
    answer = client.post(
        "/desk/imports", environ_overrides={"CONTENT_LENGTH": length, "CONTENT_TYPE": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 303
    assert "The file has more than 60 MB." in client.get(answer.location).text
    wide = upload(client, b"," * 1000 + b"\n").location
    assert "more than 500 columns" in client.get(wide).text


def test_a_wrong_byte_and_an_unclear_column_are_said_on_the_page(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    enter(client, "owner")
    stray = "Given name,Surname\nZoé,Brûlé\n".encode() + b"Ida,\x96Roy\n"
    page = client.get(upload(client, stray).location).text
    assert "Row 3, column B “Surname”, has a byte that is no UTF-8" in page
    twice = upload(client, b"Given name,Surname,Cell,Cell,\nIda,Roy,,819-555-0131,x\n").location
    shown = client.get(twice).text
    assert "Choose one of C, D" in shown and "column 5 (E), no header, 1 filled" in shown
    assert "Two columns are called “Cell”" in run(client, twice, mode="check", column_phone="?")
    assert "nothing stands in the way" in run(client, twice, mode="check", column_phone="D")


def test_whether_somebody_is_the_same_person_is_asked_on_the_page(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    enter(client, "owner")
    header = b"Given name,Surname,DOB,Cell\n"
    run(client, upload(client, header + b"Ida,Roy,1979-08-02,819-555-0131\n").location, mode="import")
    page = upload(client, header + b"Idalie,Roy-Cyr,1979-08-02,819-555-0131\n").location
    asked = run(client, page, mode="check")
    assert "“Idalie Roy-Cyr” has the birth date and number of Ida Roy, who is here." in asked
    assert 'value="yes" checked' not in asked, "nobody answers for the owner"
    assert "1 problem keeps everything out" in run(client, page, mode="import")
    assert "nothing stands in the way" in run(client, page, mode="check", same_2="yes")
    assert "0 rows were imported" in run(client, page, mode="import", same_2="yes")
    assert len(session.scalars(select(Patient.id)).all()) == 1


def test_files_that_nobody_finished_end_by_the_clock(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    enter(client, "owner")
    old, young = (upload(client, CSV).location for _ in range(2))
    folder, key = Runs(client.application).folder, old.rpartition("/")[2]
    week_ago = time.time() - 7 * 86_400 - 60
    os.utime(folder / f"{key}.csv", (week_ago, week_ago))
    assert client.application.test_cli_runner().invoke(args=["jobs", "tick"]).exit_code == 0
    assert [file.name for file in folder.iterdir() if file.name.startswith(key)] == []
    assert (client.get(old).status_code, client.get(young).status_code) == (404, 200)


def test_a_file_is_not_imported_by_a_page_that_showed_another_check(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    enter(client, "owner")
    page = upload(client, b"Given name,Surname,Birth date\nIda,Roy,03/04/1986\n").location
    run(client, page, mode="check", date_order="dmy")
    first_tab = said(client.get(page))
    run(client, page, mode="check", date_order="mdy")
    refused = client.post(page, data={**first_tab, "mode": "import", "date_order": "dmy"})
    assert refused.status_code == 409 and "dmy" in refused.text and "mdy" in refused.text
    assert session.scalars(select(Patient.id)).all() == []


def test_an_import_is_taken_back_on_the_page(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    enter(client, "owner")
    run(client, upload(client, b"Given name,Surname\nIda,Roy\nEve,Roy\n").location, mode="import")
    shown = client.get("/desk/imports")
    assert "old.csv" in shown.text and "2 patients" in shown.text
    (address,) = re.findall(r'action="(/desk/imports/runs/\d+/take-back)"', shown.text)
    client.post(address, data=said(shown, address))
    assert len(session.scalars(select(Patient.id)).all()) == 2, "not without being sure"
    session.rollback()
    assert client.post(address, data={**said(shown, address), "sure": "yes"}).status_code == 303
    assert session.scalars(select(Patient.id)).all() == []
    after = client.get("/desk/imports").text
    assert "Taken back: old.csv." in after and "Taken back on" in after and "take-back" not in after
    assert client.post(address, data={**said(shown, address), "sure": "yes"}).status_code == 409
    assert "took an import back" in client.get("/desk/audit").text
    run(client, upload(client, b"Given name,Surname\nIda,Roy\n").location, mode="import")
    listed = client.application.test_cli_runner().invoke(args=["import", "list"]).stdout
    number = listed.split()[0]
    done = client.application.test_cli_runner().invoke(args=["import", "take-back", number])
    assert "1 patients of old.csv were taken back." in done.stdout


def test_a_file_that_cannot_be_kept_is_said_in_words_and_in_the_log(
    client: FlaskClient,
    staff: dict[str, StaffUser],
    session: Session,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    enter(client, "owner")
    (tmp_path / "imports").write_text("no folder, as a closed one is none to whoever may not enter")
    answer = upload(client, CSV)
    assert (answer.status_code, answer.location) == (303, "/desk/imports")
    assert "The file could not be kept." in client.get("/desk/imports").text
    assert '"errno": "ENOTDIR"' in capsys.readouterr().err


def test_everything_we_write_is_in_the_folder_that_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "INSTANCE", tmp_path / "beside the code")
    there = tmp_path / "data" / "clinic"
    settings = Config({"INSTANCE_DIR": str(there), "CLINIC_TIMEZONE": "America/Toronto"})
    app = create_app(settings)
    Runs(app).keep("patients", "old.csv", b"a,b")
    with app.app_context():
        upgrade_database(db.engine)
        db.engine.dispose()
    assert {file.name for file in there.iterdir()} >= {"clinic.sqlite", "secret_key", "imports"}
    assert [folder.name for folder in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("folder", ["instance", "{0}/a file", "{0}/a file/below"])
def test_a_folder_that_cannot_be_one_stops_the_start_with_a_line(folder: str, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(ConfigError, match="INSTANCE_DIR: "):
        Config({"INSTANCE_DIR": folder.format(tmp_path)})


def test_every_column_that_can_be_imported_has_a_name() -> None:
    assert {name for fields in columns.FIELDS.values() for name in fields} <= set(import_words.FIELDS)
