"""Every form of the desk that can be kept is shown again in the words of its own page, and with nothing technical."""

import io
import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from scheduler import clock, demo
from scheduler.models import Appointment, Message, Patient, PhoneAccount, Screening, StaffUser
from scheduler.usecases.staff import kept_forms
from scheduler.usecases.texts.replies.inbound import IncomingText, receive
from scheduler.web.desk.sign_in.door import KEPT_FORM, OWN_DOOR
from scheduler.web.desk.sign_in.kept_words import BUTTONS
from tests.factories import CLINIC, make_patient, mark_wrong
from tests.web.support.desk_staff import make_staff, said, sign_in, token

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NEVER_KEPT = {"desk_imports.upload", "desk_kept_form.discard"}
"""One with a file, and the page's own; nor what OWN_DOOR asks for: passwords."""
NOT_IN_THE_DEMO = {
    "desk_acting.let",
    "desk_asked_corrections.disagree",
    "desk_corrections.answer",
    "desk_ims.answer",
    "desk_ims_reviews.answer",
    "desk_protection.open_it",
    "desk_retention.hold",
}
"""Forms that the demo clinic has no page for; each has its button's words."""
ONE_BUTTON = {
    "desk_acting.end",
    "desk_calendar_address.renew",
    "desk_imports.take_back",
    "desk_lock_box.lift",
    "desk_openings.note_seen",
    "desk_retention.blank",
    "desk_retention.lift",
    "desk_retention.look",
    "desk_settings_pages.back_to_ours",
    "desk_calls.take_back",
    "desk_clearance.clear",
    "desk_clearance.take_back",
    "desk_closures.remove",
    "desk_elsewhere.take_back",
    "desk_hours_change.remove_time_off",
    "desk_identity.give",
    "desk_identity.refuse",
    "desk_imports.export",
    "desk_restriction.release",
    "desk_restriction.restrict",
    "desk_settings_computers.revoke",
    "desk_settings_staff.let_in_today",
    "desk_settings_staff.reset_password",
    "desk_settings_staff.reset_second_step",
    "desk_settings_tokens.revoke",
    "desk_wrong_numbers.lift",
}
"""Without a field there is nothing to keep."""
OTHER_WORDS = {
    "desk_displaced.ask_all",  # the page says how many
    "desk_imports.begin",  # how many rows
    "desk_merging.merge",  # into whom
    "desk_visit.set_status",  # "Undo the no-show", where the state it leads to is said
}
"""The button on the page says more than can be known later."""
TYPED = {"date": "2026-12-08", "time": "10:30", "number": "3", "_day": "14", "_month": "3", "_year": "1986"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


@dataclass
class Control:
    name: str
    value: str
    kind: str
    id: str = ""
    legend: str = ""
    own_label: str = ""
    words: str = ""
    action: str = ""


@dataclass
class PageForm:
    action: str
    post: bool
    controls: list[Control] = field(default_factory=list)


class Reader(HTMLParser):
    """Forms, what stands beside their fields, and where the page leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self.leads: list[str] = []
        self.labels: dict[str, str] = {}
        self.pairs: list[tuple[str, str]] = []
        self.title = ""
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        self._term = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.leads += [given[name] for name in ("href", "hx-get") if name in given and tag in ("a", "button")]
        if tag == "form":
            self.forms.append(PageForm(given.get("action", ""), given.get("method") == "post"))
        if tag in ("input", "select", "textarea", "button") and self.forms and self._is_open("form"):
            kind = given.get("type", "text" if tag == "input" else "submit" if tag == "button" else tag)
            self.forms[-1].controls.append(
                Control(
                    given.get("name", ""),
                    given.get("value", ""),
                    kind,
                    given.get("id", ""),
                    action=given.get("formaction", ""),
                )
            )
            self._within("fieldset", self.forms[-1].controls[-1])
        if tag not in VOID:
            self._open.append((tag, given, []))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, given, texts = self._open.pop()
            self._said(name, given, " ".join("".join(texts).split()))
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        if any(
            name == "kbd" or (given.get("class") in ("sr", "soft") and name == "span") for name, given, _ in self._open
        ):
            return
        for _name, _given, texts in self._open:
            texts.append(data)

    def _is_open(self, tag: str) -> bool:
        return any(name == tag for name, _given, _texts in self._open)

    def _within(self, tag: str, control: Control) -> None:
        for name, given, _texts in reversed(self._open):
            if name == tag:
                control.legend = given.get("legend", "")
                return

    def _said(self, tag: str, given: dict[str, str], words: str) -> None:
        control = self.forms[-1].controls[-1] if self.forms and self.forms[-1].controls else None
        if tag == "legend":
            next(given for name, given, _texts in reversed(self._open) if name == "fieldset")["legend"] = words
        elif tag == "label" and "for" in given:
            self.labels[given["for"]] = words
        elif tag == "label" and control:
            control.own_label = words
        elif tag == "button" and control:
            control.words = words
        elif tag == "option" and control and given.get("value", words):
            control.value, control.words = given.get("value", words), words
        elif tag == "dt":
            self._term = words
        elif tag == "dd":
            self.pairs.append((self._term, words))
        elif tag == "h2":
            self.title = words


@dataclass
class Expected:
    """A form as it would be kept: what is sent, and what the page called it."""

    endpoint: str
    path: str
    act: str
    fields: list[list[str]]
    said: list[tuple[str, str]]


def reader(page: TestResponse) -> Reader:
    found = Reader()
    found.feed(page.text)
    return found


def expected_of(app: Flask, page: Reader, address: str) -> Iterator[Expected]:
    for form in page.forms:
        if not form.post:
            continue
        fields, said = filled_in(page, form)
        for button in form.controls:
            if button.kind != "submit" or button.name == "at":  # that stands for the fields of place and time
                continue
            path = urljoin(address, button.action or form.action or address)
            endpoint, _values = app.url_map.bind("").match(urlsplit(path).path, method="POST")
            pressed = [[button.name, button.value]] if button.name else []
            yield Expected(endpoint, path, button.words, fields + pressed, said)


def filled_in(page: Reader, form: PageForm) -> tuple[list[list[str]], list[tuple[str, str]]]:
    sent: dict[str, list[str]] = defaultdict(list)
    said: dict[str, tuple[str, str]] = {}
    for control in form.controls:
        name = control.name
        if not name or name in ("csrf_token", "shown") or control.kind in ("submit", "button"):
            continue
        label = page.labels.get(control.id, control.own_label)
        if control.kind == "hidden":
            sent[name].append(control.value)
        elif control.kind in ("radio", "checkbox"):
            if control.value:
                sent[name] = [control.value]
                said[name] = (control.legend, label) if control.legend else (label, "")
        else:
            value = control.value or TYPED.get(control.kind) or TYPED.get(name[name.rfind("_") :]) or f"what {name} is"
            if control.kind == "select" and not control.value:
                continue
            sent[name].append(value)
            said[f"{name} {control.id}"] = (control.legend or label, control.words)
    return [[name, value] for name, values in sent.items() for value in values], list(said.values())


@dataclass
class Walk:
    """Each kind of page once; `pages` maps its address to what was read there."""

    client: FlaskClient
    pages: dict[str, Reader] = field(default_factory=dict)
    _kinds: set[tuple[str, ...]] = field(default_factory=set)

    def go(self, *starts: str) -> None:
        ahead = list(starts)
        while ahead:
            address = ahead.pop(0)
            kind = self._kind(address)
            if kind is None or address in self.pages or (kind in self._kinds and address not in starts):
                continue
            self._kinds.add(kind)
            page = self.client.get(address)
            if page.status_code == 200 and page.mimetype == "text/html":
                self.look_at(address, page)
                ahead += [urljoin(address, lead) for lead in self.pages[address].leads]

    def look_at(self, address: str, page: TestResponse) -> None:
        self.pages[address] = reader(page)

    def _kind(self, address: str) -> tuple[str, ...] | None:
        parts = urlsplit(address)
        asked = parse_qs(parts.query)
        try:
            endpoint, values = self.client.application.url_map.bind("").match(parts.path)
        except HTTPException:
            return None
        if parts.netloc or not endpoint.startswith("desk_") or "lang" in asked:
            return None
        return (endpoint, str(values.get("kind", "")), *asked.get("ask", ()), *sorted(asked))


def coming(session: Session, of: timedelta, *, needling: bool = False, besides: Collection[int] = ()) -> Appointment:
    """The first visit booked for then or later, of a patient with a telephone."""
    rows = session.scalars(
        select(Appointment)
        .join(Appointment.patient)
        .where(
            Appointment.status == "booked",
            Appointment.starts_at > clock.now() + of,
            Patient.phone_account_id.is_not(None),
        )
        .order_by(Appointment.starts_at)
    )
    return next(visit for visit in rows if (visit.treatment.needling or not needling) and visit.id not in besides)


def everything(client: FlaskClient, session: Session) -> dict[str, Reader]:
    """All pages with forms, those included that come about only by what somebody has done."""
    csrf, now = {"csrf_token": token(client.get("/desk"))}, clock.now()
    today, later = coming(session, timedelta()), coming(session, timedelta(days=2))
    ims = coming(session, timedelta(days=1), needling=True)
    answered = set(session.scalars(select(Screening.appointment_id)))
    unasked = coming(session, timedelta(), needling=True, besides=answered)
    who, day = later.practitioner, later.starts_local.date()
    assert who is not None and later.patient is not None and ims.patient is not None
    account = session.scalars(select(PhoneAccount).where(PhoneAccount.opted_out_at.is_(None))).first()
    other = make_patient(session, number=None, given_name="Quite", family_name="Different").public_id
    assert account is not None
    receive(session, IncomingText(sid="SM1", number=account.number, body="Where?"), clinic=CLINIC, now=now)
    mark_wrong(session, session.scalars(select(Patient).where(Patient.phone_account_id == account.id)).first())
    session.add(
        Message(
            direction="out",
            kind="desk",
            number=account.number,
            body="Here",
            status="failed",
            gateway="outbox",
            attempt_id="lost",
            created_at=now,
        )
    )
    session.commit()
    patient, starts = later.patient.public_id, f"{day}T10:00"
    hours = client.get(f"/desk/hours?who={who.slug}")
    client.post(
        f"/desk/hours/{who.slug}/one-day", data={**said(hours), "day": str(day), "opens": "05:00", "closes": "05:15"}
    )
    words = client.get("/desk/settings/texts/help/en")
    seen = re.search(r'name="seen" value="([^"]*)"', words.text)
    assert seen
    client.post("/desk/settings/texts/help/en", data={**csrf, "body": "{clinic}: call {phone} now.", "seen": seen[1]})
    csv = b"First name;Last name\nZoe;Roy\n"
    runs = [
        client.post("/desk/imports", data={**csrf, "what": what, "file": (io.BytesIO(csv), "old.csv")})
        for what in ("patients", "visits")
    ]
    walk = Walk(client)
    walk.go(
        "/desk",
        f"/desk/book?patient={patient}&room=1",
        "/desk/book/new-patient?q=Jane",
        f"/desk/book/series?patient={patient}&treatment={later.treatment.slug}&practitioner={who.slug}&starts={starts}",
        f"/desk/patients/{patient}",
        f"/desk/patients/{patient}/merge/{other}",
        f"/desk/displaced?who={who.slug}",
        f"/desk/hours?who={who.slug}",
        f"/desk/visits/{today.public_id}",
        f"/desk/visits/{unasked.public_id}",
        "/desk/settings/texts/help/en",
        *(f"/desk/visits/{ims.public_id}?ask={ask}" for ask in ("move", "cancel", "complete")),
        *(run.location for run in runs),
    )
    elsewhere = f"/desk/patients/{ims.patient.public_id}/elsewhere"
    yesterday = clock.to_local(now, clock.zone(CLINIC.zone)).date() - timedelta(days=1)
    parts = {"day_day": yesterday.day, "day_month": yesterday.month, "day_year": yesterday.year}
    settling = client.post(elsewhere, data={**said(client.get(elsewhere)), **parts, "time": ""})
    assert settling.status_code == 409
    walk.look_at(f"{elsewhere}?settle", settling)
    return walk.pages


@pytest.fixture
def owner(client: FlaskClient, session: Session, tmp_path: Path) -> Iterator[FlaskClient]:
    client.application.instance_path = str(tmp_path)
    with time_machine.travel("2026-11-24T15:30:00+00:00", tick=False):
        demo.seed(session, clinic=CLINIC, now=clock.now())
        make_staff(session, "owner")
        sign_in(client, session, "owner")
        yield client


def kept_page(client: FlaskClient, session: Session, form: Expected, language: str) -> Reader:
    staff_id = session.scalars(select(StaffUser.id).where(StaffUser.username == "owner")).one()
    session.rollback()
    kept = kept_forms.keep(session, staff_id=staff_id, path=form.path, fields=form.fields, now=clock.now())
    with client.session_transaction("/desk") as cookie:
        cookie[KEPT_FORM] = kept
    return reader(client.get("/desk/kept-form", query_string={"lang": language}))


def test_every_form_is_shown_in_the_words_of_its_page(owner: FlaskClient, app: Flask, session: Session) -> None:
    missing: list[str] = []
    seen: set[str] = set()
    english = everything(owner, session)
    french = {address: reader(owner.get(f"{address}{'&' if '?' in address else '?'}lang=fr")) for address in english}
    for language, pages in (("en", english), ("fr", french)):
        labels: dict[str, set[str]] = defaultdict(set)
        forms = {}
        for address, page in pages.items():
            for form in expected_of(app, page, address):
                labels[form.endpoint] |= {label for label, _words in form.said}
                forms[form.endpoint, form.act, tuple(name for name, _value in form.fields)] = form
        for form in forms.values():
            if form.endpoint.startswith(OWN_DOOR) or form.endpoint in NEVER_KEPT:
                continue
            if form.endpoint in ONE_BUTTON:
                assert form.fields == [], form
            if not form.fields:
                continue
            seen.add(form.endpoint)
            shown = kept_page(owner, session, form, language)
            missing += [f"{language} {form.endpoint}: {each}" for each in differences(form, shown, labels)]
    assert missing == []
    posts = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    of_the_desk = {each for each in posts if each.startswith("desk_") and not each.startswith(OWN_DOOR)}
    assert seen == of_the_desk - NEVER_KEPT - ONE_BUTTON - NOT_IN_THE_DEMO
    assert of_the_desk & NOT_IN_THE_DEMO <= set(BUTTONS)


def differences(form: Expected, shown: Reader, labels: dict[str, set[str]]) -> Iterator[str]:
    if not shown.title or (shown.title not in form.act and form.endpoint not in OTHER_WORDS):
        yield f"the button “{form.act}” is called “{shown.title}”"
    said = {label for label, _words in form.said}
    terms = {label for label, _words in shown.pairs}
    if form.endpoint == "desk_booking_series.save":  # the labels are the days wanted, which are not sent
        said, labels = terms, {**labels, form.endpoint: {"When", "Quand"}}
    if said - terms:
        yield f"not shown: {said - terms}, but {terms}"
    if terms - said - labels[form.endpoint]:
        yield f"no field of the page: {terms - said - labels[form.endpoint]}"
    for label, words in form.said:
        values = [value.casefold() for term, value in shown.pairs if term == label]
        if words and values and not any(value in words.casefold() or words.casefold() in value for value in values):
            yield f"“{label}” is {values} instead of “{words}”"


def test_the_time_that_a_button_chose_is_said_and_not_the_fields_it_overrules(
    owner: FlaskClient, session: Session
) -> None:
    fields = [["patient", "x"], ["treatment", "ims"], ["starts_day", "2026-12-01"], ["starts_time", "09:00"]]
    chosen = ["at", "2026-12-08T10:30 priya-nair"]
    form = Expected("desk_booking.save", "/desk/book", "", [*fields, chosen], [])
    assert kept_page(owner, session, form, "en").pairs == [
        ("Treatment", "IMS"),
        ("When", "Tuesday 8 December, 10:30 am, Priya Nair"),
    ]


def test_a_day_whose_hours_are_taken_back_names_no_last_day(owner: FlaskClient, session: Session) -> None:
    form = Expected("desk_hours_change.end", "/desk/hours/priya-nair/1/end", "", [["last_day", "2000-01-01"]], [])
    shown = kept_page(owner, session, form, "fr")
    assert (shown.title, shown.pairs) == ("Retirer", [])
