"""What is said of a file that comes in and of its rows. The English is the domain's own; a test compares the two."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from scheduler.domain.moving_in import problems
from scheduler.domain.moving_in.problems import LONGEST_VALUE, Remark
from scheduler.domain.moving_in.table import column_letter
from scheduler.usecases.moving_in.importing import UnusedColumn

FOR_TRANSLATORS = (
    _l("This was interrupted, and nothing was imported. Try again."),
    _l("This is an Excel file. Save it as CSV and try again."),
    _l("This is no text file. Save it as CSV and try again."),
    _l("The file is empty."),
    _l("This file is not UTF-8. Say in which encoding its letters are, after a look at its first rows."),
    _l(
        "Row %(value)s, column %(other)s, has a byte that is no UTF-8, as the rest of the file is."
        " Write that cell anew and save the file as UTF-8."
    ),
    _l("Two columns are called “%(value)s”: choose one by its letter (%(other)s)."),
    _l("The file has more than %(value)s rows. Divide it into several."),
    _l("The first row has more than %(value)s columns: it should hold the headers."),
    _l("The file cannot be read as a table near row %(value)s: look for a quotation mark that is not closed."),
    _l("No column was found for: %(value)s. Say which one it is."),
    _l("There is no column called “%(value)s”."),
    _l("There is nothing called “%(value)s” to fill."),
    _l("Nothing here is called “%(value)s”."),
    _l("Something was booked here in the meantime that stands in the way. Try again."),
    _l("more cells than there are headers"),
    _l("no name"),
    _l(
        "“%(value)s”: these letters are no name. The file may be in another encoding, or was saved in a"
        " wrong one before"
    ),
    _l("“%(value)s”: a name has letters, spaces, apostrophes, hyphens and full stops alone"),
    _l("“%(value)s”: � stands for a letter that this encoding does not have"),
    _l("“%(value)s” is a formula, and what it gives is not in the file: write the value itself"),
    _l("“%(value)s” has the birth date and number of %(other)s, who is here: say whether this is the same person"),
    _l(
        "“%(value)s” has the birth date and number of several who are here (%(other)s): write the right"
        " name in the file"
    ),
    _l("another name than in row %(other)s, with its birth date and number: both imported"),
    _l("stands above the headers: left out"),
    _l("the headers once more: left out"),
    _l("“%(value)s” is a line of the report and nobody’s record: left out"),
    _l("“%(value)s” is longer than 100 letters"),
    _l("“%(value)s”: write “Family name, First name”, or use two columns"),
    _l("no date"),
    _l("“%(value)s” is no date"),
    _l("“%(value)s”: write the year in four digits"),
    _l("“%(value)s” may be day first or month first: say which of the two"),
    _l("“%(value)s” is no date in the order you chose"),
    _l("“%(value)s” is no time of day"),
    _l("no time of day"),
    _l("“%(value)s”: this birth date is in the future"),
    _l("“%(value)s”: this birth date is too long ago"),
    _l("“%(value)s” is no number that the clinic can text"),
    _l("“%(value)s” cannot get a text: imported without it"),
    _l("“%(value)s” is neither English nor French"),
    _l("“%(value)s” is neither yes nor no"),
    _l("“%(value)s” is no number of minutes from 5 to 480"),
    _l("patient number “%(value)s” belongs to somebody else (row %(other)s)"),
    _l("patient number “%(value)s” belongs to somebody else who is here already"),
    _l("patient number “%(value)s” is longer than 60 characters"),
    _l(
        "is here already, and nobody says there that IMS was given: a practitioner says so on that visit, then take the"
        " answer out of this row"
    ),
    _l("the same as row %(other)s, with another answer to whether IMS was given"),
    _l("the same as row %(other)s"),
    _l("is here already"),
    _l("perhaps the same person as row %(other)s, with another telephone number: both imported"),
    _l("perhaps somebody who is here already, with another telephone number: imported as well"),
    _l("no patient “%(value)s” is here: import the patients first"),
    _l("several patients are called “%(value)s”: add the birth date or the patient number"),
    _l("no practitioner is called “%(value)s”"),
    _l("no treatment is called “%(value)s”"),
    _l("no room is called “%(value)s”"),
    _l("“%(value)s” is no status known here"),
    _l("“%(value)s” is too long ago, or too far ahead"),
    _l("is still to come, and cannot be completed or missed"),
    _l("the clocks change then: that time does not exist, or exists twice"),
    _l("the practitioner has another visit then (%(other)s)"),
    _l("the patient has another visit then (%(other)s)"),
    _l("the room has another visit then (%(other)s)"),
    _l("no room is free then"),
    _l("less than %(value)s days from another such visit of this patient (%(other)s)"),
    _l("less than %(value)s days before a visit that is booked (%(other)s): kept, and that one must move"),
    _l("less than %(value)s days after such a visit (%(other)s): kept, and counts instead of that one"),
    _l("less than %(value)s days from a later such visit (%(other)s): kept, but only the later one counts"),
    _l("recorded with %(value)s minutes: another visit began then (%(other)s)"),
    _l("another visit was in the room “%(value)s”: recorded without a room"),
    _l("the patient is not cleared for IMS"),
)
FIELDS = {
    "number": _l("Patient number"),
    "given_name": _l("Given name"),
    "family_name": _l("Family name"),
    "name": _l("Whole name"),
    "birth_date": _l("Birth date"),
    "phone": _l("Mobile number"),
    "language": _l("Language"),
    "cleared": _l("Cleared for IMS"),
    "date": _l("Day"),
    "time": _l("Time"),
    "start": _l("Day and time"),
    "minutes": _l("Minutes"),
    "treatment": _l("Treatment"),
    "practitioner": _l("Practitioner"),
    "room": _l("Room"),
    "status": _l("Status"),
    "ims_given": _l("IMS given"),
}


def field_words(name: str) -> str:
    return str(FIELDS[name])


def remark_words(remark: Remark) -> str:
    words = problems.WORDS[remark.kind]
    return str(_(words)) % {"value": remark.value[:LONGEST_VALUE], "other": remark.other}


def file_words(kind: str, value: str, other: str = "") -> str:
    return str(_(problems.FILE_WORDS[kind])) % {"value": value, "other": other}


def column_words(column: UnusedColumn) -> str:
    if column.name:
        return column.name
    return str(
        _(
            "column %(number)s (%(letter)s), no header, %(filled)s filled",
            number=column.place + 1,
            letter=column_letter(column.place),
            filled=column.filled,
        )
    )
