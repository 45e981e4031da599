"""Moving in and out: patients and visits from CSV files and back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from time import monotonic

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.moving_in.problems import Report, UnusableFile
from scheduler.domain.patients.search import criteria_of
from scheduler.models import Appointment, Patient, PatientNumber, PhoneAccount, Practitioner, Reminder, Room
from scheduler.queries.patients import search
from scheduler.usecases.booking.booking import book_slot
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.moving_in import exporting
from scheduler.usecases.moving_in.importing import ImportSettings, Progress, open_file, previews
from scheduler.usecases.moving_in.patients import import_patients
from scheduler.usecases.moving_in.staging import begin_writing, give_up_writing, staging
from scheduler.usecases.moving_in.visits import import_visits
from scheduler.usecases.patients.merging import merge_patients
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local, make_appointment, make_clinic, make_patient

SETTINGS = ImportSettings(clinic=CLINIC, now=NOW, today=date(2026, 11, 27), actor=Actor("staff", "owner"))
PATIENTS = """No dossier;Prénom;Nom;Date de naissance;Cellulaire;Langue;Autorisé pour SIM
7;Amélie;Lévesque;14/03/1986;(613) 555-0142;fr;oui
8;Zoë;Lévesque;2015-06-01;613 555 0142;Français;non
9;Zoë-Rose;O’Brien;;;;
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
    amelie, zoe, rose = session.scalars(select(Patient).order_by(Patient.id))
    assert (amelie.birth_date, amelie.language, amelie.cleared_by) == (date(1986, 3, 14), "fr", "staff:owner")
    assert amelie.phone_account_id == zoe.phone_account_id
    assert amelie.phone_account is not None and amelie.phone_account.number == "+16135550142"
    assert amelie.phone_account.verified_at is None
    assert rose.given_name == "Zoë-Rose"
    for typed in ("levesque zoe", "555-0142 zoe"):
        assert [p.id for p in search.find(session.connection(), criteria_of(typed))] == [zoe.id]
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


CASES: list[tuple[str, dict[str, object], object]] = [
    (  # a database's and a spreadsheet's way of writing a day
        "Given name,Surname,DOB,Cell\nIda,Noël,1979-08-02 00:00:00,819-555-0131\nLéo,Noël,8/13/1979 12:00:00 AM,",
        {},
        [("Ida", date(1979, 8, 2), "+18195550131"), ("Léo", date(1979, 8, 13), None)],
    ),
    (  # a report around the table
        "Client list,,,\nPerson,,Reach,\nFull name,Born,Cell,\nIda Noël,1979-08-02,819-555-0131,\n"
        "Total clients,1,,\nPrinted by,OtherSoft,,\nPage,1 of 1,,\n",
        {},
        [("Ida", date(1979, 8, 2), "+18195550131")],
    ),
    (  # a column without a header, chosen by its letter
        "Given name,Surname,,DOB\nIda,Noël,819-555-0131,1979-08-02",
        {"columns": {"phone": "C"}},
        [("Ida", date(1979, 8, 2), "+18195550131")],
    ),
    (  # two of one name
        "Given name,Surname,Cell,DOB,Cell\nIda,Noël,,1979-08-02,819-555-0131",
        {"columns": {"phone": "E"}},
        [("Ida", date(1979, 8, 2), "+18195550131")],
    ),
    (  # text that a spreadsheet was kept from reckoning with
        'Chart,Given name,Surname,Cell\n"=""00417""",Ida,Noël,"=""819-555-0131"""',
        {},
        [("Ida", None, "+18195550131")],
    ),
]


@pytest.mark.parametrize("text, options, expected", CASES)
def test_files_as_other_programs_write_them(
    session: Session, text: str, options: dict[str, object], expected: object
) -> None:
    report = patients(session, text, **options)
    assert told(report) == []
    rows = session.execute(
        select(Patient.given_name, Patient.birth_date, PhoneAccount.number).outerjoin(PhoneAccount).order_by(Patient.id)
    )
    assert [tuple(row) for row in rows] == expected
    assert set(session.scalars(select(PatientNumber.number))) <= {"00417"}


def test_what_was_left_out_around_the_table_is_said(session: Session) -> None:
    report = patients(session, CASES[1][0])
    assert (report.rows, report.imported) == (1, 1)
    assert [(r.row, r.kind) for r in report.notes] == [
        (1, "above_headers"),
        (2, "above_headers"),
        (5, "report_line"),
        (6, "report_line"),
        (7, "report_line"),
    ]
    opened = open_file("patients", CASES[2][0].encode())
    assert [str(column) for column in opened.unused] == ["column 3 (C), no header, 1 filled"]


def test_visits_with_offsets_and_spans(session: Session) -> None:
    make_clinic(session)
    patients(session, PATIENTS)
    report = visits(
        session,
        "7;2026-10-06 09:30:00 -0400;;IMS;p1",
        "7;2026-10-20 00:00:00;9:00 AM - 9:45 AM;IMS;p1",
        "7;2026-11-03 00:00:00;;IMS;p1",
    )
    assert told(report) == ["4 no_time"]
    visits(session, "7;2026-10-06 09:30:00 -0400;;IMS;p1", "7;2026-10-20 00:00:00;9:00 AM - 9:45 AM;IMS;p1")
    found = session.execute(select(Appointment.starts_local, Appointment.minutes).order_by(Appointment.id))
    assert [tuple(row) for row in found] == [(datetime(2026, 10, 6, 9, 30), 30), (datetime(2026, 10, 20, 9), 45)]


@pytest.mark.parametrize(
    "name, kind",
    [
        ("ZoÃ«", "garbled_name"),
        ("NicolÃ\xa0", "garbled_name"),
        ("ZoÅ“", "garbled_name"),
        ("Zo‰", "odd_name"),
        ("Zo√´", "odd_name"),
        ("Zo\ufffd", "unreadable"),
        ("Zo\x81", "odd_name"),
        ("Fran\x87ois", "odd_name"),
        ("Zo\x85", "odd_name"),
    ],
)
def test_a_name_read_in_a_wrong_encoding_is_a_problem(session: Session, name: str, kind: str) -> None:
    for text in (f"Given name,Surname\n{name},Roy", f"Full name\n{name} Roy", f'Full name\n"Roy, {name}"'):
        assert told(patients(session, text)) == [f"2 {kind}"]
    make_clinic(session)
    report = visits(session, f"{name};Roy;2026-11-02;10:00;IMS;p1", header="Given name;Surname;Date;Time;Type;Provider")
    assert told(report) == [f"2 {kind}"]


@pytest.mark.parametrize(
    "row", ["Total,Iris,1979-08-02,,", "Total,Iris,02/08/79,819-555-0128,", "Total,Iris,,819-555-0128,"]
)
def test_somebody_called_total_is_no_footer(session: Session, row: str) -> None:
    report = patients(session, f"Given name,Surname,DOB,Cell,Chart\n{row}\nTotal patients,1,,,")
    assert report.rows == 1
    assert [note.row for note in report.notes if note.kind == "report_line"] == [3]


@pytest.mark.parametrize("headers", ["Given name,Surname", "Full name,Language,", "Family name;First name"])
def test_headers_that_come_again_on_each_page_of_a_report_are_nobody(session: Session, headers: str) -> None:
    person = '"Roy, Odile",fr,' if "Full" in headers else "Odile,Roy"
    rows = (headers, person, headers)
    report = patients(session, "\n".join(rows).replace(",", ";") if ";" in headers else "\n".join(rows))
    assert (told(report), report.imported) == ([], 1)
    assert [(note.row, note.kind) for note in report.notes] == [(3, "header_again")]


@pytest.mark.parametrize(
    "typed, number", [('="00427"', "00427"), ('="00428', "00428"), ("=00429", "00429"), ("'00430", "00430")]
)
def test_a_patient_number_that_a_spreadsheet_had_to_keep_is_read(session: Session, typed: str, number: str) -> None:
    patients(session, f"Given name\tSurname\tChart\nOdile\tRoy\t{typed}")
    assert session.scalars(select(PatientNumber.number)).all() == [number]


@pytest.mark.parametrize("typed", ['="C"&"31"', '=TEXT(31;"00000")', "=A2"])
def test_a_formula_is_a_problem(session: Session, typed: str) -> None:
    report = patients(session, f"Given name\tSurname\tChart\nOdile\tRoy\t{typed}")
    assert told(report) == ["2 formula"]


@pytest.mark.parametrize("file", ['Full name\n"Roy, Odile"', 'Full name,Given name,Surname\n"Roy, O. (2)",Odile,Roy'])
def test_a_whole_name_has_a_comma_and_is_read_where_there_is_no_other(session: Session, file: str) -> None:
    assert patients(session, file).imported == 1
    assert session.execute(select(Patient.given_name, Patient.family_name)).all() == [("Odile", "Roy")]


def test_a_name_that_begins_with_a_capital_of_garbling_is_a_name(session: Session) -> None:
    report = patients(session, "Given name,Surname\nÃngela,JOÃO\nÂngelo,Ågren\nÅse,St. John-O’Neil")
    assert (told(report), report.imported) == ([], 3)


def test_utf_8_in_which_one_byte_is_wrong_brings_nobody(session: Session) -> None:
    data = "Given name,Surname,DOB,Cell,Remarks\nAmélie,Lévesque,1986-03-14,6135550142,9 ~ 12".encode()
    with pytest.raises(UnusableFile, match=r"Row 2, column E “Remarks”"):
        open_file("patients", data.replace(b"~", b"\x96"))
    assert count(session, Patient) == 0


def test_every_encoding_that_may_be_chosen_shows_the_rows_it_reads_in_its_own_way() -> None:
    data = "Given name,Surname\nBob,Roy\nFrançois,Côté".encode("mac_roman")
    with pytest.raises(UnusableFile, match="not UTF-8"):
        open_file("patients", data)
    shown = previews("patients", data)
    assert list(shown) == ["windows-1252", "mac-roman", "cp850"]
    assert shown["mac-roman"] == [(3, ["François", "Côté"])]
    assert shown["windows-1252"] == [(3, ["Fran\ufffdois", "C™t\u017d"])]
    assert previews("patients", b"Given name,Surname\nBob,Roy") == {}
    assert open_file("patients", data, encoding="mac-roman").table.header == ("Given name", "Surname")


ELSE = "Given name,Surname,DOB,Cell,Chart\nAmy,Levesque-Roy,1986-03-14,613-555-0142,70"


def test_another_name_with_the_birth_date_and_number_of_a_patient_must_be_answered(session: Session) -> None:
    patients(session, PATIENTS)
    report = patients(session, ELSE)
    assert [(r.kind, r.value, r.other) for r in report.problems] == [
        ("same_person", "Amy Levesque-Roy", "Amélie Lévesque")
    ]
    assert count(session, Patient) == 3
    report = patients(session, ELSE, same_person={2: True}, dry_run=True)
    assert ([r.kind for r in report.left_out], told(report)) == (["already_here"], [])


@pytest.mark.parametrize("is_same, people", [(True, 3), (False, 4)])
def test_the_answer_decides_to_whom_the_visits_go(session: Session, is_same: bool, people: int) -> None:
    make_clinic(session)
    patients(session, PATIENTS)
    assert told(patients(session, ELSE, same_person={2: is_same})) == []
    assert count(session, Patient) == people
    visits(session, "70;2026-11-23;10:00;IMS;p1", clear_for_ims=True)
    owner = session.scalars(select(Patient.given_name).join(Appointment)).one()
    assert owner == ("Amélie" if is_same else "Amy")


def test_of_several_who_are_here_with_one_birth_date_and_number_the_file_must_name_the_right_one(
    session: Session,
) -> None:
    patients(session, "Given name,Surname,DOB,Cell\nIda,Noël,2017-08-02,8195550131\nEve,Noël,2017-08-02,8195550131")
    third = "Given name,Surname,DOB,Cell\nIdalie,Noël,2017-08-02,8195550131"
    assert told(patients(session, third, same_person={2: True})) == ["2 same_as_several"]
    assert patients(session, third, same_person={2: False}).imported == 1


def test_twins_of_one_file_are_both_imported_with_a_note(session: Session) -> None:
    report = patients(
        session, "Given name,Surname,DOB,Cell\nIda,Noël,2017-08-02,8195550131\nEve,Noël,2017-08-02,8195550131"
    )
    assert (report.imported, [(r.row, r.kind, r.other) for r in report.notes]) == (2, [(3, "twin_row", "2")])


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
            BookingRequest(
                clinic=CLINIC,
                patient=patient_id,
                treatment="follow-up",
                practitioner="p1",
                starts_local=starts_local,
                now=NOW,
                actor=STAFF,
                origin="desk",
            ),
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
    assert "\r\n9,Zoë-Rose,O’Brien," in files["patients"]
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


def test_clearance_of_who_had_ims_runs_from_their_last_one_and_lapses_as_any_other(session: Session) -> None:
    """On the word of who gave it; a visit to come is judged on its day, whatever the import says."""
    make_clinic(session)
    patients(session, PATIENTS)
    long_ago, later = "8;2025-10-06;10:00;IMS;p1", "8;2026-12-07;10:00;IMS;p1"
    assert told(visits(session, long_ago, later, clear_for_ims=True)) == ["3 not_cleared"]
    assert visits(session, long_ago, clear_for_ims=True).imported == 1
    cleared = session.scalars(select(Patient).where(Patient.given_name == "Zoë")).one()
    assert cleared.cleared_for_ims_at == datetime(2025, 10, 6, 14, tzinfo=UTC)
    assert cleared.clearing_practitioner_id == session.scalar(select(Practitioner.id).where(Practitioner.slug == "p1"))
    assert told(visits(session, later)) == ["2 not_cleared"]
    assert visits(session, "8;2026-09-07;10:00;IMS;p2", later).imported == 2


def test_clearances_of_a_file_are_the_decision_of_who_is_named(session: Session) -> None:
    make_clinic(session)
    data = b"First name,Last name,Cleared for IMS\nAnn,Roy,yes\nBob,Roy,no\n"
    with pytest.raises(UnusableFile):
        import_patients(session, open_file("patients", data), settings=replace(SETTINGS, cleared_by="nobody"))
    session.rollback()
    import_patients(session, open_file("patients", data), settings=replace(SETTINGS, cleared_by="p2"))
    named = session.scalars(select(Practitioner.id).where(Practitioner.slug == "p2")).one()
    found = session.execute(select(Patient.given_name, Patient.clearing_practitioner_id).order_by(Patient.id)).all()
    assert [tuple(one) for one in found] == [("Ann", named), ("Bob", None)]
