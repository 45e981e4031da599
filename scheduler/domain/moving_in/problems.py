"""What can be wrong with a row, or worth knowing about it. Words for each are in web/desk/moving_in/words.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

LONGEST_VALUE = 60  # characters shown of what a cell holds


@dataclass(frozen=True, slots=True)
class Remark:
    """`row` as a spreadsheet counts it: the headers are row 1. `other`: another row, or a day, that it is about."""

    row: int
    kind: str
    value: str = ""
    other: str = ""

    @property
    def words(self) -> str:
        return f"row {self.row}: " + WORDS[self.kind] % {"value": self.value[:LONGEST_VALUE], "other": self.other}


@dataclass(slots=True)
class Report:
    """`problems` keep everything out; `left_out` rows are here already; `notes` are imported, but not quite as written."""

    rows: int = 0
    problems: list[Remark] = field(default_factory=list)
    left_out: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)
    imported: int = 0

    @property
    def fits(self) -> bool:
        return not self.problems


class BadValue(ValueError):
    """A cell that cannot be read; `kind` is a key of WORDS."""

    def __init__(self, kind: str, value: str = "", other: str = "") -> None:
        super().__init__(kind)
        self.kind, self.value, self.other = kind, value, other


class UnusableFile(Exception):
    """Nothing of the file can be read."""

    code: ClassVar[str] = "unusable-file"

    def __init__(self, kind: str, value: str = "", other: str = "") -> None:
        super().__init__(kind)
        self.kind, self.value, self.other = kind, value, other

    def __str__(self) -> str:
        return FILE_WORDS[self.kind] % {"value": self.value, "other": self.other}


FILE_WORDS = {
    "excel": "This is an Excel file. Save it as CSV and try again.",
    "binary": "This is no text file. Save it as CSV and try again.",
    "empty": "The file is empty.",
    "choose_encoding": "This file is not UTF-8. Say in which encoding its letters are, after a look at its first rows.",
    "stray_byte": "Row %(value)s, column %(other)s, has a byte that is no UTF-8, as the rest of the file is."
    " Write that cell anew and save the file as UTF-8.",
    "column_twice": "Two columns are called “%(value)s”: choose one by its letter (%(other)s).",
    "too_many_rows": "The file has more than %(value)s rows. Divide it into several.",
    "too_many_columns": "The first row has more than %(value)s columns: it should hold the headers.",
    "broken": "The file cannot be read as a table near row %(value)s: look for a quotation mark that is not closed.",
    "missing_columns": "No column was found for: %(value)s. Say which one it is.",
    "no_such_column": "There is no column called “%(value)s”.",
    "no_such_field": "There is nothing called “%(value)s” to fill.",
    "interrupted": "This was interrupted, and nothing was imported. Try again.",
    "no_such_name": "Nothing here is called “%(value)s”.",
    "changed_meanwhile": "Something was booked here in the meantime that stands in the way. Try again.",
}

WORDS = {
    "too_many_cells": "more cells than there are headers",
    "no_name": "no name",
    "garbled_name": "“%(value)s”: these letters are no name. The file may be in another encoding, or was saved in a"
    " wrong one before",
    "odd_name": "“%(value)s”: a name has letters, spaces, apostrophes, hyphens and full stops alone",
    "unreadable": "“%(value)s”: � stands for a letter that this encoding does not have",
    "formula": "“%(value)s” is a formula, and what it gives is not in the file: write the value itself",
    "same_person": "“%(value)s” has the birth date and number of %(other)s, who is here: say whether this is the same"
    " person",
    "same_as_several": "“%(value)s” has the birth date and number of several who are here (%(other)s): write the right"
    " name in the file",
    "twin_row": "another name than in row %(other)s, with its birth date and number: both imported",
    "above_headers": "stands above the headers: left out",
    "header_again": "the headers once more: left out",
    "report_line": "“%(value)s” is a line of the report and nobody’s record: left out",
    "name_too_long": "“%(value)s” is longer than 100 letters",
    "one_word_name": "“%(value)s”: write “Family name, First name”, or use two columns",
    "no_date": "no date",
    "bad_date": "“%(value)s” is no date",
    "short_year": "“%(value)s”: write the year in four digits",
    "ambiguous_date": "“%(value)s” may be day first or month first: say which of the two",
    "against_date_order": "“%(value)s” is no date in the order you chose",
    "bad_time": "“%(value)s” is no time of day",
    "no_time": "no time of day",
    "birth_in_future": "“%(value)s”: this birth date is in the future",
    "birth_long_ago": "“%(value)s”: this birth date is too long ago",
    "bad_phone": "“%(value)s” is no number that the clinic can text",
    "without_phone": "“%(value)s” cannot get a text: imported without it",
    "bad_language": "“%(value)s” is neither English nor French",
    "bad_yes_no": "“%(value)s” is neither yes nor no",
    "bad_minutes": "“%(value)s” is no number of minutes from 5 to 480",
    "number_twice": "patient number “%(value)s” belongs to somebody else (row %(other)s)",
    "number_taken": "patient number “%(value)s” belongs to somebody else who is here already",
    "number_too_long": "patient number “%(value)s” is longer than 60 characters",
    "same_as_row": "the same as row %(other)s",
    "already_here": "is here already",
    "here_without_ims": "is here already, and nobody says there that IMS was given: a practitioner says so on that visit,"
    " then take the answer out of this row",
    "same_with_other_answer": "the same as row %(other)s, with another answer to whether IMS was given",
    "perhaps_same": "perhaps the same person as row %(other)s, with another telephone number: both imported",
    "perhaps_here": "perhaps somebody who is here already, with another telephone number: imported as well",
    "no_patient": "no patient “%(value)s” is here: import the patients first",
    "several_patients": "several patients are called “%(value)s”: add the birth date or the patient number",
    "no_practitioner": "no practitioner is called “%(value)s”",
    "no_treatment": "no treatment is called “%(value)s”",
    "no_room": "no room is called “%(value)s”",
    "bad_status": "“%(value)s” is no status known here",
    "too_far": "“%(value)s” is too long ago, or too far ahead",
    "done_in_future": "is still to come, and cannot be completed or missed",
    "clock_change": "the clocks change then: that time does not exist, or exists twice",
    "practitioner_busy": "the practitioner has another visit then (%(other)s)",
    "patient_busy": "the patient has another visit then (%(other)s)",
    "room_busy": "the room has another visit then (%(other)s)",
    "no_free_room": "no room is free then",
    "too_soon": "less than %(value)s days from another such visit of this patient (%(other)s)",
    "must_move": "less than %(value)s days before a visit that is booked (%(other)s): kept, and that one must move",
    "counts_instead": "less than %(value)s days after such a visit (%(other)s): kept, and counts instead of that one",
    "counts_not": "less than %(value)s days from a later such visit (%(other)s): kept, but only the later one counts",
    "shortened": "recorded with %(value)s minutes: another visit began then (%(other)s)",
    "room_not_recorded": "another visit was in the room “%(value)s”: recorded without a room",
    "not_cleared": "the patient is not cleared for IMS",
}
