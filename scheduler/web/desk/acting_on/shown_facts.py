"""What the pages of the desk show of whatever their forms act on, in the reader's words: label → value.

A form carries these facts (acting_on/__init__.py), and they are read anew when it is sent.
"""

from collections.abc import Iterable
from datetime import datetime

from flask_babel import gettext as _

from scheduler.domain.patients.corrections import CORRECTED, REFUSED
from scheduler.extensions import clinic_local
from scheduler.gateways.phone_numbers import display
from scheduler.models import ApiToken, ClinicComputer, ImportRun, StaffUser
from scheduler.queries.calendar.working_time import Away, Stretch
from scheduler.queries.patients.acting import Acting
from scheduler.queries.patients.corrections import Correction
from scheduler.queries.patients.identity import AskedNumber
from scheduler.queries.patients.page import PatientRecord, PatientVisit
from scheduler.queries.patients.protection import Box
from scheduler.queries.patients.retention import DueRecord
from scheduler.queries.texts.calls import Call
from scheduler.queries.texts.inbox import Correspondent, ThreadText
from scheduler.queries.visits.ims_reviews import ReviewedVisit
from scheduler.queries.visits.must_move import DisplacedVisit
from scheduler.web.desk.moving_in.import_runs import Run
from scheduler.web.words.dates import day_and_time_words, day_with_year_words, time_words, weekday_words
from scheduler.web.words.status import text_sign, visit_sign

Facts = dict[str, str]
NOTHING = "–"


def of_patient(patient: PatientRecord) -> Facts:
    """`cleared`, restricted and so on since when: another day is another decision."""
    return {
        _("Patient"): f"{patient.family_name}, {patient.given_name}",
        _("Born"): day_with_year_words(patient.birth_date) if patient.birth_date else NOTHING,
        _("Telephone"): _number(patient.number),
        _("Cleared for IMS"): _since(patient.cleared_at),
        _("Restricted"): _since(patient.restricted_at),
        _("Wrong number"): _since(patient.wrong_number_at),
        _("Merged into another record"): _yes(patient.merged_into is not None),
    }


def of_record(patient: PatientRecord, visits: Iterable[PatientVisit]) -> Facts:
    """One of two that are to become one, with its visits."""
    return {
        **of_patient(patient),
        _("Note"): patient.note or NOTHING,
        _("Visits"): "\n".join(_visit(visit) for visit in visits) or NOTHING,
    }


def of_two(kept: Facts, other: Facts) -> Facts:
    return {
        **{f"1. {label}": value for label, value in kept.items()},
        **{f"2. {label}": value for label, value in other.items()},
    }


def of_elsewhere(patient: PatientRecord, visit: PatientVisit | None) -> Facts:
    return {
        _("Patient"): f"{patient.family_name}, {patient.given_name}",
        _("IMS elsewhere"): _visit(visit) if visit else NOTHING,
    }


def of_box(name: str, box: Box | None) -> Facts:
    return {
        _("Patient"): name,
        _("Protected"): _since(box.placed_at if box else None),
        _("Who still sees it, besides the owner"): ", ".join(box.named) or _("nobody") if box else NOTHING,
        _("What the patient asked"): (box.words if box else "") or NOTHING,
    }


def of_acting(patient: PatientRecord, others: Iterable[Acting]) -> Facts:
    """With whoever acts for whom already."""
    others = list(others)
    acts, acted_for = (sorted(one.full_name for one in others if one.acts is acts) for acts in (True, False))
    return {
        **of_patient(patient),
        _("May be acted for by"): ", ".join(acts) or _("nobody"),
        _("May act for"): ", ".join(acted_for) or _("nobody"),
    }


def of_hours(name: str, hours: Iterable[Stretch], times_off: Iterable[Away]) -> Facts:
    return {
        _("Practitioner"): name,
        _("Working hours"): "\n".join(map(_stretch, hours)) or NOTHING,
        _("Time off"): "\n".join(map(_away, times_off)) or NOTHING,
    }


def of_closures(closures: Iterable[Away]) -> Facts:
    return {_("Coming closures"): "\n".join(map(_away, closures)) or NOTHING}


def of_call(call: Call | None) -> Facts:
    if call is None:
        return {}
    state = _("cancelled") if call.cancelled else _("booked")
    return {
        _("Patient"): ", ".join(filter(None, (call.family_name, call.given_name))),
        _("Visit"): f"{day_and_time_words(call.starts_local)}, {call.practitioner}, {state}",
        _("Telephone"): _number(call.number),
        _("Called"): _since(call.called_at),
    }


def of_displaced(visits: Iterable[DisplacedVisit]) -> Facts:
    lines = [f"{day_and_time_words(one.starts_local)}, {one.patient}" for one in visits if one.texted is None]
    return {_("Visits to move, whose patients nobody has asked yet"): "\n".join(lines) or NOTHING}


def of_request(asked: AskedNumber | None) -> Facts:
    if asked is None:
        return {}
    people = "; ".join(f"{one.family_name}, {one.given_name}" for one in asked.candidates)
    return {
        _("New number"): _number(asked.new_number),
        _("Number before"): _number(asked.old_number),
        _("Born"): day_with_year_words(asked.birth_date),
        _("Patients"): people or NOTHING,
    }


def of_review(visit: ReviewedVisit | None) -> Facts:
    if visit is None:
        return {}
    return {
        _("Patient"): visit.patient,
        _("Visit"): f"{day_and_time_words(visit.starts_local)}, {visit.practitioner}",
        _("Asked"): _since(visit.asked_at),
        _("Answer"): {"go_ahead": _("Go ahead"), "call": _("Call the patient")}.get(visit.answer or "", NOTHING),
    }


def of_correction(asked: Correction | None) -> Facts:
    if asked is None:
        return {}
    answers = {CORRECTED: _("Corrected"), REFUSED: _("Not corrected")}
    return {
        _("Patient"): asked.patient,
        _("What is wrong"): asked.what_is_wrong,
        _("What it should say"): asked.should_say,
        _("Answer"): answers.get(asked.answer or "", NOTHING),
    }


def of_texts(patient: PatientRecord) -> Facts:
    return {**of_patient(patient), _("No texts"): _since(patient.opted_out_at)}


def of_text(text: ThreadText) -> Facts:
    """An answer of ours, and what became of it."""
    return {_("Answer"): text.body[:200], _("State"): text_sign(text.status, text.error_code).words}


def of_marks(who: Correspondent) -> Facts:
    """Of whom somebody said that this number is not theirs."""
    marked = [one for one in who.people if one.said_at and not one.stopped_at]
    return {
        _("Number"): _number(who.number),
        _("Said to be wrong for"): ", ".join(f"{one.given_name} {one.family_name}" for one in marked) or _("nobody"),
    }


def of_due(records: Iterable[DueRecord]) -> Facts:
    """Old records, each with its last entry and its hold."""
    return {f"{one.name} {one.birth_date or ''}".strip(): _due(one) for one in records}


def _due(one: DueRecord) -> str:
    kept = _("last entry %(day)s, kept until %(until)s", day=one.last_on.isoformat(), until=one.kept_until.isoformat())
    held = _("Held: %(reason)s", reason=one.hold) if one.hold else ""
    return "; ".join(filter(None, (kept, held)))


def of_colleague(person: StaffUser) -> Facts:
    return {
        _("Name"): person.display_name,
        _("User name"): person.username,
        _("Can sign in"): _yes(person.active),
        _("Second step set up"): _yes(person.totp_secret is not None),
        _("Temporary password"): _yes(person.password_temporary),
    }


def of_token(token: ApiToken) -> Facts:
    return {
        _("Token"): token.name,
        _("Ends"): day_with_year_words(clinic_local(token.ends_at).date()),
        _("revoked"): _since(token.revoked_at),
    }


def of_computer(computer: ClinicComputer | None) -> Facts:
    if computer is None:
        return {}
    return {_("Clinic computer"): computer.name, _("Ends"): day_with_year_words(clinic_local(computer.ends_at).date())}


def of_import_run(run: ImportRun | None) -> Facts:
    if run is None:
        return {}
    return {
        _("File"): run.file_name or _("A file"),
        _("Rows"): str(run.rows),
        _("Imported"): _since(run.imported_at),
        _("Taken back"): _since(run.taken_back_at),
    }


def of_upload(run: Run) -> Facts:
    """A file as its last check left it, by which choices."""
    options = run.options
    columns = [f"{name} {letter}" for name, letter in sorted(options.get("columns", {}).items())]
    chosen = [str(options[name]) for name in ("encoding", "date_order", "cleared_by") if options.get(name)]
    ticked = [name for name in ("without_bad_phones", "clear_for_ims") if options.get(name)]
    same = [f"{row}: {answer}" for row, answer in sorted(options.get("same_person", {}).items())]
    aliases = [f"{theirs} = {ours}" for theirs, ours in sorted(options.get("aliases", {}).items())]
    return {
        _("File"): run.name,
        _("Rows"): str(run.rows),
        _("Problems"): str(run.counts["problems"]),
        _("Left out"): str(run.counts["left_out"]),
        _("Checked with"): "; ".join([*columns, *chosen, *ticked, *same, *aliases]) or NOTHING,
    }


def _visit(visit: PatientVisit) -> str:
    when = day_with_year_words(visit.starts_local.date())
    at = f", {time_words(visit.starts_local)}" if visit.time_known else ""
    return f"{when}{at}, {visit_sign(visit.status).words}"


def _stretch(one: Stretch) -> str:
    day = day_with_year_words(one.only_day) if one.only_day else weekday_words()[one.weekday]
    dates = [d for d in (one.valid_from, one.valid_until) if d] if not one.only_day else []
    within = f" ({' – '.join(map(day_with_year_words, dates))})" if dates else ""
    return f"{day} {time_words(one.opens)} – {time_words(one.closes)}{within}"


def _away(one: Away) -> str:
    span = f"{day_and_time_words(one.starts_local)} – {day_and_time_words(one.ends_local)}"
    return f"{span}, {one.reason}" if one.reason else span


def _number(number: str | None) -> str:
    return display(number) if number else NOTHING


def _since(moment: datetime | None) -> str:
    return day_and_time_words(clinic_local(moment)) if moment else NOTHING


def _yes(is_so: bool) -> str:
    return str(_("Yes") if is_so else _("No"))
