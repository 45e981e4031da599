"""CSV files as clinics have them."""

from datetime import UTC, date, datetime, time, timedelta
from time import process_time

import pytest

from scheduler.domain.moving_in import columns
from scheduler.domain.moving_in.diary import DiaryVisit, fit_together, give_rooms
from scheduler.domain.moving_in.encodings import UNREADABLE
from scheduler.domain.moving_in.problems import BadValue, Report, UnusableFile
from scheduler.domain.moving_in.report_lines import is_report_line
from scheduler.domain.moving_in.table import Table, column_letter, guarded, open_table, unguarded
from scheduler.domain.moving_in.values import (
    parse_date,
    parse_day_and_time,
    parse_full_name,
    parse_minutes,
    parse_span,
    parse_start,
    parse_status,
    parse_time,
    parse_yes_no,
)
from scheduler.domain.patients.person_name import is_garbled, is_no_name


def known(header: list[str]) -> int:
    return len(columns.guess("patients", header).places)


def opened(text: str, what: str = "patients") -> Table:
    return open_table(text.encode(), lambda header: len(columns.guess(what, header).places))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_any_usual_separator_is_found_out_and_what_is_utf_8_or_says_what_it_is(separator: str, encoding: str) -> None:
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
        ("Nom\nCôté".encode("cp1252"), "choose_encoding"),
        ("Nom\nCôté, Chloë".encode("mac_roman"), "choose_encoding"),
        ("Nom\nCôté".encode("cp850"), "choose_encoding"),
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
    table = open_table(b"sep=;\r\nNom;Pr\xe9nom\r\nRoy;Eva\r\n", known, "windows-1252")
    assert (table.separator, table.header, next(table.rows())[0]) == (";", ("Nom", "Prénom"), 3)


def test_columns_are_known_by_their_headers_in_both_languages() -> None:
    header = ["No. de dossier", "NOM", "Prénom", "Né(e) le", "Tél. maison", "Cellulaire", "Courriel"]
    places = columns.guess("patients", header).places
    assert {field: header[place] for field, place in places.items()} == {
        "number": "No. de dossier",
        "family_name": "NOM",
        "given_name": "Prénom",
        "birth_date": "Né(e) le",
        "phone": "Cellulaire",
    }
    assert columns.guess("patients", header, {"phone": "Tél. maison"}).places["phone"] == 4
    assert columns.guess("patients", header, {"phone": "e"}).places["phone"] == 4, "by its letter"
    assert "phone" not in columns.guess("patients", header, {"phone": ""}).places
    with pytest.raises(UnusableFile, match="no column called"):
        columns.guess("patients", header, {"phone": "Fax"})
    with pytest.raises(UnusableFile, match="birth"):
        columns.guess("patients", header, {"birth": "NOM"})


def test_of_two_columns_with_one_header_one_is_chosen_by_its_letter() -> None:
    header = ["Given name", "Surname", "Cell", "Born", "Cell"]
    meaning = columns.guess("patients", header)
    assert (meaning.unclear, "phone" in meaning.places) == ({"phone": (2, 4)}, False)
    with pytest.raises(UnusableFile, match=r"Two columns are called “Cell”.*\(C, E\)"):
        columns.require_needed("patients", meaning, header)
    with pytest.raises(UnusableFile, match="Two columns"):
        columns.guess("patients", header, {"phone": "Cell"})
    chosen = columns.guess("patients", header, {"phone": "E"})
    columns.require_needed("patients", chosen, header)
    assert chosen.places["phone"] == 4


def test_columns_have_letters_as_in_a_spreadsheet() -> None:
    assert [column_letter(place) for place in (0, 25, 26, 51, 52, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "AZ",
        "BA",
        "ZZ",
        "AAA",
    ]


@pytest.mark.parametrize(
    "above, row",
    [("", 2), ("Person,,Reach,\n", 3), ("Client list\n\nAs of 2026-11-02\n", 5), ("sep=,\nName,,Phone,\n", 4)],
)
def test_the_headers_are_found_below_a_title_or_groups_of_columns(above: str, row: int) -> None:
    table = opened(above + "Full name,Date of birth,Cell phone,\nOdile Brun,1979-08-02,819-555-0128,\n")
    assert table.header[:3] == ("Full name", "Date of birth", "Cell phone")
    assert next(table.rows())[0] == row


def test_a_row_of_names_that_are_also_headers_is_no_header() -> None:
    assert opened("Vorname,Nachname\nPhone,Roy\n").header == ("Vorname", "Nachname")


@pytest.mark.parametrize(
    "line",
    [
        "Total clients,42,,",
        "Grand total: 42",
        "Totaux,,42",
        "Page,3 of 7,,",
        "Page 3/7",
        "Generated by,OtherSoft,,",
        "Printed on 2026-11-02 10:15",
        "Imprimé le 2 novembre 2026",
        "End of report",
        "Number of patients: 42",
        "42 records",
        "Confidential. Do not copy.",
        "-----,-----",
        "\x1a",
    ],
)
def test_what_a_report_writes_around_its_table_is_nobodys_record(line: str) -> None:
    assert is_report_line(line.split(","))


@pytest.mark.parametrize(
    "line", ["Robert,Page,1979-08-02,", "Page,Elaine,,", "Total,Iris,1979-08-02,819-555-0128,fr", "Paige,Count,,", ",,"]
)
def test_somebody_called_page_or_total_is_somebody(line: str) -> None:
    assert not is_report_line(line.split(","))


@pytest.mark.parametrize("line", ["Total,Iris,1979-08-02,819-555-0128", "Confidential,Roy,,", "Rapport,Du,1,2"])
def test_a_birth_date_or_a_number_tells_a_person_from_a_line_of_the_report(line: str) -> None:
    assert is_report_line(line.split(","), is_somebodys=lambda: False)
    assert not is_report_line(line.split(","), is_somebodys=lambda: True)


def test_a_line_that_is_nobodys_name_stays_one_beside_a_date() -> None:
    assert is_report_line(["Printed on", "", "2026-11-02"], is_somebodys=lambda: True)


MOSTLY = "Given name,Surname,Remarks\nOdile,Brûlé,\nZoé,Noël,from 9 ~ 12\n".encode().replace(b"~", b"\x96")


@pytest.mark.parametrize("data", [MOSTLY, b"\xef\xbb\xbfSurname,Remarks\nRoy,\nRoy,9 \x96 12\n"])
@pytest.mark.parametrize("encoding", [None, "utf-8"])
def test_a_wrong_byte_in_utf_8_is_named_by_row_and_column(data: bytes, encoding: str | None) -> None:
    with pytest.raises(UnusableFile, match=r"Row 3, column [BC] “Remarks”"):
        open_table(data, known, encoding)


@pytest.mark.parametrize(
    "encoding, codec", [("windows-1252", "cp1252"), ("mac-roman", "mac_roman"), ("cp850", "cp850")]
)
def test_an_encoding_that_was_chosen_is_read(encoding: str, codec: str) -> None:
    table = open_table("Prénom,Nom\nFrançois,Côté\n".encode(codec), known, encoding)
    assert (table.header, next(table.rows())[1]) == (("Prénom", "Nom"), ["François", "Côté"])


@pytest.mark.parametrize("name", ["Zoé", "Noël Brûlé", "À la Œuvre", "José Ñuñez", "Åse Ørn"])
def test_utf_8_read_as_windows_1252_is_a_garbled_name(name: str) -> None:
    garbled = name.encode().decode("cp1252", errors="replace")
    assert is_garbled(garbled) or UNREADABLE in garbled
    assert not is_garbled(name) and not is_no_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "Ãngela",
        "Ângelo",
        "JOÃO",
        "D’Arcy-Brûlé",
        "St. John",
        "Åsa",
        "Nguyễn Ân",
        "李小龙",
        "بن علي",
        "O`Neil",
        "Anne\nMarie",
        "Jo\u200bAnn",
        "Anne\xa0Roy",
    ],
)
def test_a_name_of_any_script_is_one(name: str) -> None:
    assert not is_garbled(name) and not is_no_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "C™té",
        "Fran√ßois",
        "Am‚lie",
        "Roy 2",
        "Br–l‰",
        "=1+1",
        "a@b.ca",
        "B\ufffdlanger",
        "Rˆti",
        "Ren\x81x",
        "Fran\x87ois",
        "A\x85a",
        "Roy\x7f",
        "Ro\x1cy",
        "Ro\uffffy",
        "Ro\ue000y",
    ],
)
def test_what_has_signs_of_no_name_is_none(name: str) -> None:
    assert is_no_name(name)


def test_a_letter_at_the_end_of_a_cell_that_was_read_as_a_control_character_is_kept() -> None:
    assert unguarded("\xa0Voil\x85 ") == "Voil\x85"


@pytest.mark.parametrize(
    "cell, text",
    [
        ('="00417"', "00417"),
        ('="say ""aah"""', 'say "aah"'),
        ('\'="x"', '="x"'),
        ('="00418', "00418"),
        ("=00419", "00419"),
        ("= +16135550142", "+16135550142"),
        ("'00420", "00420"),
        ("'C-0421'", "C-0421"),
        ("'1986-03-14", "1986-03-14"),
        ("'t Hooft", "'t Hooft"),
        ('="C"&"22"', '="C"&"22"'),
        ('=TEXT(23,"00000")', '=TEXT(23,"00000")'),
    ],
)
def test_text_that_a_spreadsheet_was_kept_from_reckoning_with(cell: str, text: str) -> None:
    assert unguarded(cell) == text


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
        "1986-03-14 00:00:00",
        "1986-03-14T00:00:00.000Z",
        "1986-03-14T00:00:00-05:00",
        "14/03/1986 12:00:00 a. m.",
        "3/14/1986 12:00:00 AM",
        "14/03/1986 00:00",
        "March 14, 1986, 12:00 a.m.",
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
        ("1986-03-14 04:00:00", None, "bad_date"),
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
    assert parse_start(text) == (datetime(2026, 3, 14, 14, 30), None)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-14T14:30:00-04:00",
        "2026-03-14 14:30:00 -0400",
        "2026-03-14 14:30:00-04",
        "3/14/2026 2:30 PM -0400",
        "2026-03-14 18:30:00 UTC",
        "2026-03-14T18:30Z",
        "2026-03-14 19:30 +0100",
    ],
)
def test_a_start_with_an_offset_is_an_instant(text: str) -> None:
    assert parse_start(text)[0] == datetime(2026, 3, 14, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text, minutes",
    [
        ("2:30 PM - 3:15 PM", 45),
        ("14:30-15:15", 45),
        ("14 h 30 – 15 h", 30),
        ("2:30 – 3:15 pm", 45),
        ("14:30 to 15:30", 60),
        ("14:30 à 15:00", 30),
        ("14:30", None),
    ],
)
def test_a_time_that_says_until_when(text: str, minutes: int | None) -> None:
    assert parse_span(text) == (time(14, 30), minutes)
    assert parse_start(f"2026-03-14 {text}") == (datetime(2026, 3, 14, 14, 30), minutes)
    assert parse_day_and_time("2026-03-14 00:00:00", text) == (datetime(2026, 3, 14, 14, 30), minutes)


def test_before_noon_until_after_it() -> None:
    assert parse_span("11:30 - 12:15 PM") == (time(11, 30), 45)
    assert parse_span("10:00 - 2:00 PM") == (time(10), 240)


@pytest.mark.parametrize("text", ["2:30 PM - 1:15 PM", "9:00 - 9:00", "9:00 - noon", "08:00 - 17:00"])
def test_a_span_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_span(text)


def test_a_day_that_a_database_wrote_with_midnight_has_no_time() -> None:
    with pytest.raises(BadValue) as refused:
        parse_start("2026-03-14 00:00:00")
    assert refused.value.kind == "no_time"


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


@pytest.mark.parametrize(
    "day, is_past, note, counting, stopped",
    [
        (3, False, "must_move", [0], []),
        (3, True, "counts_not", [0], []),
        (-3, True, "counts_instead", [1], [0]),
        (-7, True, None, [1, 0], []),
    ],
)
def test_a_past_visit_is_kept_whatever_is_here(
    day: int, is_past: bool, note: str | None, counting: list[int], stopped: list[int]
) -> None:
    report = Report()
    new, here = visit(1, patient=1, group=1), visit(0, days=day, past=is_past, patient=1, group=1)
    found = fit_together([new], [here], report)
    assert told(report) == ([], [(1, note)] if note else [])
    assert [v.row for v in (new, here) if v.group is not None] == counting
    assert [v.row for v in found] == stopped


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
