"""Moving in and out: patients and visits from CSV files and back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from time import monotonic

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.moving_in.problems import Report, UnusableFile
from scheduler.domain.patient_search import criteria_of
from scheduler.models import Appointment, Patient, PatientNumber, PhoneAccount, Reminder, Room
from scheduler.queries import patient_search
from scheduler.usecases import exporting
from scheduler.usecases.booking import book_slot
from scheduler.usecases.importing import ImportSettings, Progress, open_file
from scheduler.usecases.importing_patients import import_patients
from scheduler.usecases.importing_visits import import_visits
from scheduler.usecases.merging import merge_patients
from scheduler.usecases.staging import begin_writing, give_up_writing, staging
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local, make_appointment, make_clinic, make_patient

SETTINGS = ImportSettings(clinic=CLINIC, now=NOW, today=date(2026, 11, 27), actor=Actor("staff", "owner"))
PATIENTS = """No dossier;Prénom;Nom;Date de naissance;Cellulaire;Langue;Autorisé pour SIM
7;Amélie;Lévesque;14/03/1986;(613) 555-0142;fr;oui
8;Zoë;Lévesque;2015-06-01;613 555 0142;Français;non
9;=cmd|'/c calc'!A1;O’Brien;;;;
"""


def patients(session: Session, text: str, **options: object) -> Report:
    settings = replace(SETTINGS, **options)
    return import_patients(session, open_file("patients", text.encode(), settings.columns), settings=settings)


def visits(session: Session, *rows: str, header: str = "Chart;Date;Time;Type;Provider", **options: object) -> Report:
    settings = replace(SETTINGS, **options)
    opened = open_file("visits", "\n".join((header, *rows)).encode(), settings.columns)
    return import_visits(session, opened, settings=settings)


def told(report: Report) -> list[str]:
    return [f"{remark.row} {remark.kind}" for remark in report.problems]


def count(session: Session, model: type) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def test_patients_arrive_and_are_found(session: Session) -> None:
    report = patients(session, PATIENTS)
    assert (report.imported, report.problems, report.left_out, report.notes) == (3, [], [], [])
    amelie, zoe, formula = session.scalars(select(Patient).order_by(Patient.id))
    assert (amelie.birth_date, amelie.language, amelie.cleared_by) == (date(1986, 3, 14), "fr", "staff:owner")
    assert amelie.phone_account_id == zoe.phone_account_id
    assert amelie.phone_account is not None and amelie.phone_account.number == "+16135550142"
    assert amelie.phone_account.verified_at is None
    assert formula.given_name == "=cmd|'/c calc'!A1"
    for typed in ("levesque zoe", "555-0142 zoe"):
        assert [p.id for p in patient_search.find(session.connection(), criteria_of(typed))] == [zoe.id]
    assert set(session.scalars(select(PatientNumber.number))) == {"7", "8", "9"}


def test_the_same_file_again_changes_nothing(session: Session) -> None:
    patients(session, PATIENTS)
    report = patients(session, PATIENTS)
    assert (report.imported, [r.kind for r in report.left_out], report.problems) == (0, ["already_here"] * 3, [])
    assert count(session, Patient) == 3


def test_one_bad_row_keeps_all_out_and_every_one_is_listed(session: Session) -> None:
    rows = [
        "1;Eva;Roy;03/04/1986;;",
        "2;;Roy;1986-04-03;;",
        "3;Eva;Roy;2036-04-03;;",
        "4;Eva;Roy;1986-04-03;911;",
        "5;Eva;Roy;1986-04-03;;tlh",
        f"6;{'x' * 101};Roy;;;",
        "7;Eva;Roy;1986-04-03;;en;more",
        "8;Max;Roy;;;",
        "8;Tim;Roy;;;",
        "9;Max;Roy;;;",
    ]
    report = patients(session, "\n".join(("Chart;First name;Last name;DOB;Phone;Language", *rows)))
    assert told(report) == [
        "2 ambiguous_date",
        "3 no_name",
        "4 birth_in_future",
        "5 bad_phone",
        "6 bad_language",
        "7 name_too_long",
        "8 too_many_cells",
        "10 number_twice",
        "11 same_as_row",
    ]
    assert "row 2: “03/04/1986” may be day first" in report.problems[0].words
    assert count(session, Patient) == 0 and count(session, PhoneAccount) == 0


def test_doubles_are_left_out_and_namesakes_are_not(session: Session) -> None:
    rows = (
        "Eva,Roy,1986-04-03,6135550142",
        "EVA,Roy,1986-04-03,",
        "Éva,Roy,1986-04-03,613-555-0143",
        "Eva,Roy,1987-04-03,",
    )
    report = patients(session, "\n".join(("First name,Last name,DOB,Phone", *rows)))
    assert [(r.row, r.kind, r.other) for r in report.left_out] == [(3, "same_as_row", "2")]
    assert [(r.row, r.kind, r.other) for r in report.notes] == [(4, "perhaps_same", "2")]
    assert report.imported == count(session, Patient) == 3


def test_a_dry_run_says_the_same_and_writes_nothing(session: Session) -> None:
    report = patients(session, PATIENTS, dry_run=True)
    assert (report.rows, report.imported, report.fits, count(session, Patient)) == (3, 0, True, 0)


def test_columns_that_are_needed_are_asked_for(session: Session) -> None:
    with pytest.raises(UnusableFile, match="given_name / name"):
        patients(session, "Nom\nRoy\n")
    assert patients(session, "Nom,Vorname\nRoy,Eva\n", columns={"given_name": "Vorname"}).imported == 1


def test_visits_of_the_past_count_for_the_rule(session: Session) -> None:
    make_clinic(session)
    patients(session, PATIENTS)
    report = visits(
        session,
        "7;2026-11-02;10:00;IMS;Pat1 Doe1",
        "7;2026-11-12;10:00;SIM;Doe1, Pat1",
        "7;2026-11-16;10:00;ims;p2",
        "8;2026-11-16;10:10;Suivi;Dr. Pat2 Doe2",
        "7;2026-11-23;10:00;IMS;Doe2",
        "9;2026-12-07;10:00;Assessment;Doe2",
    )
    assert told(report) == []
    assert [(r.row, r.kind, r.value) for r in report.notes] == [(4, "shortened", "10"), (3, "counts_not", "7")]
    found = session.scalars(select(Appointment).order_by(Appointment.starts_at)).all()
    assert [(a.starts_local.day, a.status, a.spacing_group_id is not None, a.minutes) for a in found] == [
        (2, "completed", True, 30),
        (12, "completed", False, 30),
        (16, "completed", True, 10),
        (16, "completed", False, 30),
        (23, "completed", True, 30),
        (7, "booked", False, 60),
    ]
    assert {a.origin for a in found} == {"import"} and {a.changed_by for a in found} == {"staff:owner"}
    assert session.scalars(select(Room.name).where(~Room.active)).all() == ["Room not recorded 1"]
    assert {a.room.name for a in found if a.room} == {"Room not recorded 1", "Room 1"}
    assert sorted(session.scalars(select(Reminder.kind))) == ["days_before_1", "days_before_3"]
    again = visits(session, "7;2026-11-02;10:00;IMS;Pat1 Doe1")
    assert [r.kind for r in again.left_out] == ["already_here"]


def test_what_the_rules_forbid_is_refused_with_its_row(session: Session) -> None:
    make_clinic(session)
    patients(session, PATIENTS)
    here = make_patient(session)
    make_appointment(session, patient=here, starts_local=local(MONDAY, "10:00"), practitioner="p2", room="Room 2")
    report = visits(
        session,
        "7;2026-11-25;10:00;IMS;p1",
        "7;2026-12-01;10:00;IMS;p1",  # 3: six days later
        "8;2026-11-30;10:15;Follow-up;p2",  # 4: p2 is busy
        "8;2026-12-02;10:00;IMS;p1",  # 5: nobody cleared
        "77;2026-11-30;10:00;IMS;p1",  # 6
        "8;2026-11-30;10:00;Massage;p1",  # 7
        "8;2026-11-30;10:00;IMS;Nobody",  # 8
        "8;2026-11-01;01:30;Follow-up;p1",  # 9: twice, but past
        "8;2027-03-14;02:30;Follow-up;p1",  # 10: never
        "8;1826-03-14;02:30;Follow-up;p1",  # 11
    )
    assert sorted(told(report)) == sorted(
        [
            "3 too_soon",
            "4 practitioner_busy",
            "5 not_cleared",
            "6 no_patient",
            "7 no_treatment",
            "8 no_practitioner",
            "10 clock_change",
            "11 too_far",
        ]
    )
    assert count(session, Appointment) == 1


def meanwhile(engine: Engine, *acts: Callable[[Session], object]) -> Progress:
    """Somebody else does these, one after the other, while the import is about to write; nobody waits for long."""
    waiting = list(acts)

    def progress(stage: str, _done: int, _of: int) -> None:
        if stage == "writing" and waiting:
            before = monotonic()
            with Session(engine) as other:
                waiting.pop(0)(other)
            assert monotonic() - before < 5

    return progress


def book(starts_local: datetime, patient_id: int) -> Callable[[Session], object]:
    def act(session: Session) -> object:
        return book_slot(
            session,
            clinic=CLINIC,
            patient=patient_id,
            treatment="follow-up",
            practitioner="p1",
            starts_local=starts_local,
            now=NOW,
            actor=STAFF,
            origin="desk",
        )

    return act


def test_a_visit_is_booked_while_an_import_is_under_way(session: Session, engine: Engine) -> None:
    make_clinic(session)
    somebody = make_patient(session).id
    session.rollback()
    early, late = (book(local(MONDAY, at), somebody) for at in ("10:00", "15:00"))
    opened = open_file("patients", PATIENTS.encode())
    assert import_patients(session, opened, settings=SETTINGS, progress=meanwhile(engine, early)).imported == 3
    opened = open_file("visits", b"Chart;Date;Time;Type;Provider\n7;2026-11-30;11:00;IMS;p1")
    assert import_visits(session, opened, settings=SETTINGS, progress=meanwhile(engine, late)).imported == 1
    starts = session.scalars(select(Appointment.starts_local).order_by(Appointment.starts_local)).all()
    assert [start.hour for start in starts] == [10, 11, 15]


def test_what_was_booked_meanwhile_stands_in_the_way_like_anything_else(session: Session, engine: Engine) -> None:
    make_clinic(session)
    patients(session, PATIENTS)
    somebody = make_patient(session).id
    session.rollback()
    opened = open_file(
        "visits", b"Chart;Date;Time;Type;Provider\n7;2026-11-23;10:00;IMS;p1\n8;2026-11-30;10:15;Follow-up;p1"
    )
    progress = meanwhile(engine, book(local(MONDAY, "10:00"), somebody))
    report = import_visits(session, opened, settings=SETTINGS, progress=progress)
    assert (told(report), report.imported, count(session, Appointment)) == (["3 practitioner_busy"], 0, 1)


def test_visits_go_to_the_record_that_was_kept_when_two_are_merged_meanwhile(session: Session, engine: Engine) -> None:
    make_clinic(session)
    patients(session, PATIENTS)
    kept = make_patient(session, given_name="Zoë", family_name="Lévesque").public_id
    merged = session.scalars(select(Patient).where(Patient.given_name == "Zoë").order_by(Patient.id)).first()
    assert merged is not None and merged.public_id != kept
    going = merged.public_id
    session.rollback()

    def merge(other: Session) -> object:
        return merge_patients(other, kept=kept, merged=going, sure=True, now=NOW, actor=STAFF)

    opened = open_file("visits", b"Chart;Date;Time;Type;Provider\n8;2026-11-23;10:00;Follow-up;p1")
    assert import_visits(session, opened, settings=SETTINGS, progress=meanwhile(engine, merge)).imported == 1
    assert session.scalars(select(Patient.public_id).join(Appointment)).all() == [kept]


def test_names_of_another_system_can_be_given_their_meaning(session: Session) -> None:
    make_clinic(session)
    patients(session, PATIENTS)
    row = "Zoe Levesque;2026-11-16 9:30;Dry needling;Smith;No-show"
    header = "Client;Start;Service;Therapist;Status"
    report = visits(session, row, header=header, aliases={"Dry needling": "ims", "Smith": "p1"}, clear_for_ims=True)
    assert (report.imported, told(report)) == (1, [])
    assert session.scalar(select(Appointment.status)) == "no_show"
    with pytest.raises(UnusableFile, match="nowhere"):
        visits(session, row, header=header, aliases={"Smith": "nowhere"})


def test_what_is_exported_comes_in_again(session: Session) -> None:
    make_clinic(session)
    patients(session, PATIENTS)
    visits(session, "7;2026-11-02;10:00;IMS;p1", "9;2026-12-07;10:00;Assessment;p2")
    files = {what: "".join(exporting.export(session.connection(), what)) for what in ("patients", "visits")}
    assert "\r\n9,'=cmd|'/c calc'!A1,O’Brien," in files["patients"]
    report = patients(session, files["patients"])
    assert (report.rows, len(report.left_out), report.problems) == (3, 3, [])
    settings = replace(SETTINGS, now=NOW)
    report = import_visits(session, open_file("visits", files["visits"].encode()), settings=settings)
    assert (report.rows, len(report.left_out), report.problems) == (2, 2, [])


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_long_import_is_not_hung_up_on_and_nobody_else_is_waited_for(session: Session, engine: Engine) -> None:
    """PostgreSQL ends a transaction in which nothing is asked for a minute; a million rows are read for longer."""
    show = "SHOW idle_in_transaction_session_timeout"
    with staging(session) as connection:
        assert connection.exec_driver_sql(show).scalar() == "30min"
        give_up_writing(connection)
        begin_writing(connection)
        assert connection.exec_driver_sql(show).scalar() == "30min"
        used = connection.connection.dbapi_connection
    with engine.connect() as connection:
        assert connection.connection.dbapi_connection is used
        assert connection.exec_driver_sql(show).scalar() == "1min"
