"""CSV files as clinics have them."""

from datetime import UTC, date, datetime, time, timedelta
from time import process_time

import pytest

from scheduler.domain.moving_in import columns
from scheduler.domain.moving_in.diary import DiaryVisit, fit_together, give_rooms
from scheduler.domain.moving_in.problems import BadValue, Report, UnusableFile
from scheduler.domain.moving_in.table import guarded, open_table, unguarded
from scheduler.domain.moving_in.values import (
    parse_date,
    parse_full_name,
    parse_minutes,
    parse_start,
    parse_status,
    parse_time,
    parse_yes_no,
)


def known(header: list[str]) -> int:
    return len(columns.guess("patients", header))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_any_usual_separator_and_encoding_is_found_out(separator: str, encoding: str) -> None:
    text = (
        f'Prénom{separator}Nom{separator}Notes\r\nZoë{separator}Côté{separator}"a, b; c"\r\n\r\nÉva{separator}Roy\r\n'
    )
    table = open_table(text.encode(encoding), known)
    assert table.header == ("Prénom", "Nom", "Notes")
    assert list(table.rows()) == [(2, ["Zoë", "Côté", "a, b; c"]), (4, ["Éva", "Roy", ""])]


@pytest.mark.parametrize(
    "data, kind",
    [
        (b"", "empty"),
        (b"PK\x03\x04...", "excel"),
        (b"a,b\0c", "binary"),
    ],
)
def test_what_is_no_csv_is_said_to_be_none(data: bytes, kind: str) -> None:
    with pytest.raises(UnusableFile) as refused:
        open_table(data, known)
    assert refused.value.kind == kind


def test_a_quotation_mark_left_open_is_named_by_its_row() -> None:
    table = open_table(b'Name\nRoy\n"' + b"x" * 200_000, known)
    with pytest.raises(UnusableFile, match="near row 3"):
        list(table.rows())


def test_the_line_that_excel_writes_for_itself_is_no_header() -> None:
    table = open_table(b"sep=;\r\nNom;Pr\xe9nom\r\nRoy;Eva\r\n", known)
    assert (table.separator, table.header, next(table.rows())[0]) == (";", ("Nom", "Prénom"), 3)


def test_columns_are_known_by_their_headers_in_both_languages() -> None:
    header = ["No. de dossier", "NOM", "Prénom", "Né(e) le", "Tél. maison", "Cellulaire", "Courriel"]
    places = columns.guess("patients", header)
    assert {field: header[place] for field, place in places.items()} == {
        "number": "No. de dossier",
        "family_name": "NOM",
        "given_name": "Prénom",
        "birth_date": "Né(e) le",
        "phone": "Cellulaire",
    }
    assert columns.guess("patients", header, {"phone": "Tél. maison"})["phone"] == 4
    assert "phone" not in columns.guess("patients", header, {"phone": ""})
    with pytest.raises(UnusableFile, match="no column called"):
        columns.guess("patients", header, {"phone": "Fax"})
    with pytest.raises(UnusableFile, match="birth"):
        columns.guess("patients", header, {"birth": "NOM"})


@pytest.mark.parametrize(
    "text",
    [
        "1986-03-14",
        "1986/3/14",
        "19860314",
        "14/03/1986",
        "3-14-1986",
        "14.3.1986",
        "14 March 1986",
        "Mar 14, 1986",
        "14-mars-1986",
        "le 14 mars 1986",
        "Friday, March 14th, 1986",
        "14 MARS 1986",
    ],
)
def test_one_day_in_many_forms(text: str) -> None:
    assert parse_date(text) == date(1986, 3, 14)


@pytest.mark.parametrize(
    "text, order, kind",
    [
        ("03/04/1986", None, "ambiguous_date"),
        ("14/03/86", None, "short_year"),
        ("14-Mar-86", None, "short_year"),
        ("14/03/1986", "mdy", "against_date_order"),
        ("31/04/1986", None, "bad_date"),
        ("1986-02-30", None, "bad_date"),
        ("32/13/1986", None, "bad_date"),
        ("=cmd|'/c calc'!A1", None, "bad_date"),
        ("٣/٤/١٩٨٦٦", None, "bad_date"),
    ],
)
def test_a_day_that_is_none_or_two_is_refused(text: str, order: str | None, kind: str) -> None:
    with pytest.raises(BadValue) as refused:
        parse_date(text, order)
    assert refused.value.kind == kind


def test_the_order_of_dates_can_be_told() -> None:
    assert parse_date("03/04/1986", "dmy") == date(1986, 4, 3)
    assert parse_date("03/04/1986", "mdy") == date(1986, 3, 4)
    assert parse_date("04/04/1986") == date(1986, 4, 4)


@pytest.mark.parametrize(
    "text", ["14:30", "14:30:00", "14h30", "14 h 30", "2:30 pm", "2:30PM", "02:30 p.m.", "14.30", "1430"]
)
def test_one_time_in_many_forms(text: str) -> None:
    assert parse_time(text) == time(14, 30)


@pytest.mark.parametrize("text", ["", "9", "25:00", "13:00 pm", "noon", "12:60"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_time(text)


@pytest.mark.parametrize(
    "text", ["2026-03-14 14:30", "2026-03-14T14:30:00", "14/03/2026 14h30", "March 14, 2026 2:30 pm", "20260314 1430"]
)
def test_a_start_in_one_cell(text: str) -> None:
    assert parse_start(text) == datetime(2026, 3, 14, 14, 30)


def test_a_start_with_an_offset_is_an_instant() -> None:
    assert parse_start("2026-03-14T14:30:00-04:00") == datetime(2026, 3, 14, 18, 30, tzinfo=UTC)


def test_small_words() -> None:
    assert [parse_yes_no(word) for word in ("Oui", "x", "2026-01-02", "", "Non", "0")] == [True] * 3 + [False] * 3
    assert parse_status("No-show") == parse_status("Absent") == "no_show"
    assert parse_status("Annulé") == "cancelled"
    assert [parse_minutes(text) for text in ("30", "30 min", "45.0", "1:15", "1h00")] == [30, 30, 45, 75, 60]
    assert parse_full_name("Lévesque, Amélie Rose") == ("Amélie Rose", "Lévesque")
    assert parse_full_name("Amélie Lévesque") == ("Amélie", "Lévesque")
    for name in ("Mary Anne De Souza", "Cher", "Roy,"):
        with pytest.raises(BadValue):
            parse_full_name(name)


@pytest.mark.parametrize("cell", ["=cmd|'/c calc'!A1", "+1", "-2", "@x", "plain"])
def test_a_formula_stays_text_on_the_way_out_and_back(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
    assert guarded(cell)[0] not in "=+-@"


NOON = datetime(2026, 6, 1, 12)


def visit(row: int, minutes_from_noon: int = 0, *, days: int = 0, past: bool = True, **more: object) -> DiaryVisit:
    starts = NOON + timedelta(days=days, minutes=minutes_from_noon)
    ends_at = (starts + timedelta(minutes=30)).replace(tzinfo=UTC)
    details = {"patient": row, "practitioner": 1, "room": None, **more}
    return DiaryVisit(
        row=row,
        starts_local=starts,
        starts_at=starts.replace(tzinfo=UTC),
        ends_at=ends_at,
        free_at=ends_at,
        past=past,
        min_days=7,
        **details,
    )


def told(report: Report) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    return [(r.row, r.kind) for r in report.problems], [(r.row, r.kind) for r in report.notes]


@pytest.mark.parametrize(
    "second, expected",
    [
        (visit(2, 30), ([], [])),
        (visit(2, 20), ([], [(1, "shortened")])),
        (visit(2, 0), ([(2, "practitioner_busy")], [])),
        (visit(2, 20, practitioner=2), ([], [])),
        (visit(2, 20, practitioner=2, patient=1), ([], [(1, "shortened")])),
        (visit(2, 20, past=False), ([(2, "practitioner_busy")], [])),
        (visit(0, 20), ([], [(1, "shortened")])),
        (visit(0, -20), ([(1, "practitioner_busy")], [])),
    ],
)
def test_two_visits_that_overlap(second: DiaryVisit, expected: object) -> None:
    report, first = Report(), visit(1)
    new, here = ([first, second], []) if second.row else ([first], [second])
    fit_together(new, here, report)
    assert told(report) == expected


@pytest.mark.parametrize(
    "days, past, expected, counting",
    [
        ((0, 7, 14), (True, True, True), ([], []), [1, 2, 3]),
        ((0, 3, 6), (True, True, True), ([], [(2, "counts_not"), (1, "counts_not")]), [3]),
        ((0, 3, 8), (True, True, True), ([], [(2, "counts_not")]), [1, 3]),
        ((0, 3), (True, False), ([(2, "too_soon")], []), [1, 2]),
        ((0, 3), (False, False), ([(2, "too_soon")], []), [1, 2]),
    ],
)
def test_visits_nearer_than_the_rule_allows(
    days: tuple[int, ...], past: tuple[bool, ...], expected: object, counting: list[int]
) -> None:
    report = Report()
    visits = [
        visit(row, days=day, past=over, patient=1, group=1)
        for row, (day, over) in enumerate(zip(days, past, strict=True), 1)
    ]
    fit_together(visits, [], report)
    assert told(report) == expected
    assert [v.row for v in visits if v.group is not None] == counting


def test_a_past_visit_gives_way_to_one_that_is_booked_here() -> None:
    report = Report()
    fit_together([visit(1, patient=1, group=1)], [visit(0, days=3, past=False, patient=1, group=1)], report)
    assert told(report) == ([(1, "too_soon_to_come")], [])


def test_a_free_room_is_found_across_midnight_and_in_no_more_than_linear_time() -> None:
    late = visit(1, 12 * 60 - 15, past=False, room=1)
    after_midnight = visit(2, 12 * 60, past=False, room=None)
    assert late.free_at > after_midnight.starts_at and late.starts_at.date() < after_midnight.starts_at.date()
    report = Report()
    many = [visit(n, 0, days=n, past=False, room=None) for n in range(3, 20_003)]
    began = process_time()
    give_rooms([after_midnight, *many], [late], report, rooms=[1, 2], unrecorded=[])
    assert process_time() - began < 5, "each visit against each other takes a minute"
    assert (after_midnight.room, {one.room for one in many}, report.problems) == (2, {1}, [])
