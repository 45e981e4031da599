"""A patient's record in sentences, part by part, for the PDF. What the printed page shows, and who looked."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from scheduler.domain.patients.corrections import CORRECTED
from scheduler.gateways.record_pdf import Section
from scheduler.queries.patients.corrections import Correction
from scheduler.queries.patients.page import PatientText, PatientVisit
from scheduler.queries.staff.audit import ShownLine
from scheduler.queries.texts.agreements import Agreement
from scheduler.web.desk.staff.audit import details_words, what_words
from scheduler.web.page_context import as_texted
from scheduler.web.requests.language import template_variables
from scheduler.web.words.dates import day_with_year_words, time_words


def record_sections(shown: dict[str, Any], looks: Sequence[ShownLine]) -> list[Section]:
    """`shown`: of `patients.shown`, with nothing left out."""
    visits = shown["visits"]
    parts = [
        Section(_("Details"), _details(shown)),
        Section(_("Coming visits"), [_visit(shown, visit) for visit in visits.coming]),
        Section(_("Past and cancelled visits"), [_visit(shown, visit) for visit in visits.past]),
        Section(_("IMS at other clinics"), [_visit(shown, visit) for visit in visits.elsewhere]),
        Section(_("Screening answers"), list(_screenings(shown))),
        Section(_("Corrections asked for"), [_correction(shown, one) for one in shown["corrections"]]),
        Section(_("Agreement to texts"), [_agreement(*said) for said in shown["agreements"]]),
        Section(_("Texts"), [_text(shown, *text) for text in shown["texts"]]),
        Section(_("Who looked or changed"), [_look(shown, look) for look in looks]),
    ]
    return [Section(part.title, part.lines or [_("None")]) for part in parts]


def _details(shown: dict[str, Any]) -> list[str]:
    patient = shown["patient"]
    born = day_with_year_words(patient.birth_date) if patient.birth_date else _("not known")
    cleared = _("Not cleared for IMS")
    if patient.cleared_at:
        day = day_with_year_words(shown["local"](patient.cleared_at))
        by = _("by %(who)s on %(day)s", who=shown["by"](patient.cleared_by), day=day)
        cleared = " ".join((_("Cleared for IMS"), by))
    facts = [
        (_("Born"), born),
        (_("Telephone"), shown["number"] or _("none")),
        (_("Language"), _("French") if patient.language == "fr" else _("English")),
        (_("Patient since"), day_with_year_words(shown["local"](patient.created_at))),
        (_("IMS"), cleared),
        (_("Note"), patient.note),
    ]
    return [_("%(what)s: %(words)s", what=what, words=words) for what, words in facts if words]


def _visit(shown: dict[str, Any], visit: PatientVisit) -> str:
    when = day_with_year_words(visit.starts_local)
    if visit.time_known:
        when = f"{when}, {time_words(visit.starts_local)}"
    state = shown["visit_sign"](visit.status).words
    about = (visit.treatment(template_variables()["language"]), visit.practitioner, visit.room, state, visit.reason)
    return " · ".join((when, *(str(words) for words in about if words)))


def _screenings(shown: dict[str, Any]) -> Iterator[str]:
    for screening, answered, yeses in shown["screenings"]:
        visit = day_with_year_words(screening.visit_local)
        yield _("On %(day)s, for the visit on %(visit)s", day=day_with_year_words(answered), visit=visit)
        yield _("%(what)s: %(words)s", what=_("Yes"), words=", ".join(yeses)) if yeses else _("No to every question")


def _correction(shown: dict[str, Any], one: Correction) -> str:
    lines = [
        (_("Asked on %(day)s", day=day_with_year_words(shown["local"](one.asked_at))), shown["by"](one.asked_by)),
        (_("What is wrong"), one.what_is_wrong),
        (_("What it should say"), one.should_say),
    ]
    if one.answered_at is None:
        return "\n".join([*(_pair(*line) for line in lines), _("Not answered yet")])
    answer = _("Corrected") if one.answer == CORRECTED else _("Not corrected")
    day = day_with_year_words(shown["local"](one.answered_at))
    lines.append((f"{answer}, {day}, {shown['by'](one.answered_by)}", one.answer_words or "–"))
    if one.stated_at is not None:
        lines.append((_("The patient’s statement of disagreement"), one.statement))
    return "\n".join(_pair(*line) for line in lines)


def _pair(what: str, words: str) -> str:
    return str(_("%(what)s: %(words)s", what=what, words=words))


def _agreement(said: Agreement, number: str, words: str) -> str:
    line = f"{number}, {words}"
    return "\n".join((line, _("“%(words)s”", words=said.words))) if said.words else line


def _text(shown: dict[str, Any], text: PatientText, moment: datetime, body: str | None) -> str:
    head = f"{day_with_year_words(moment)}, {time_words(moment)} · {shown['kind_words'](text.kind)}"
    head = f"{head} · {shown['text_sign'](text.status).words}"
    return f"{head}\n{as_texted(body)}" if body else head


def _look(shown: dict[str, Any], line: ShownLine) -> str:
    moment = shown["local"](line.at)
    words = f"{day_with_year_words(moment)}, {time_words(moment)} · {shown['by'](line.actor)} {what_words(line.what)}"
    details = details_words(line.details)
    return f"{words} · {details}" if details else words
