"""What patients wrote and nobody has answered yet: a list of threads, and one of them with an answer box."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import Connection

from scheduler import clock
from scheduler.domain.errors import Invalid, NotFound
from scheduler.domain.texts.refusals import AnsweredMeanwhile, NotTextable, WroteMeanwhile
from scheduler.domain.texts.sms_segments import BASIC, EXTENDED, is_gsm7, segments
from scheduler.extensions import clinic_local, db
from scheduler.gateways.phone_numbers import display
from scheduler.queries.patients import page
from scheduler.queries.texts import inbox as queries
from scheduler.queries.texts.inbox import Correspondent, ThreadText
from scheduler.usecases.audit import note_view
from scheduler.usecases.staff.looks import Listing
from scheduler.usecases.texts.replies import inbox as usecases
from scheduler.usecases.texts.wrong_numbers import settle_wrong_number
from scheduler.web import access
from scheduler.web.desk import query_fields
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_marks, of_text
from scheduler.web.desk.looks import note_patients
from scheduler.web.desk.records.protection import hidden
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.forms.pressed import pressed_yes
from scheduler.web.words.actor import actor_words
from scheduler.web.words.refusals import explain
from scheduler.web.words.status import kind_words, text_sign

PAGE, THREAD, MOST_PAGES = 50, 100, 100

blueprint = Blueprint("desk_inbox", __name__, url_prefix="/desk/inbox")
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a text typed so far costs."""

    parts: int
    plain: bool


def unread() -> int:
    """For the desk's menu."""
    if current_user.role not in ("receptionist", "owner"):
        return 0
    with db.reading.connect() as connection:
        return queries.unread_count(connection, hidden().numbers)


@blueprint.get("")
def show() -> ResponseReturnValue:
    """`?from=unknown`: numbers that no patient has."""
    known = request.args.get("from") != "unknown"
    before_id = query_fields.number("before")
    with db.reading.connect() as connection:
        without = hidden().numbers
        found = queries.threads(connection, known=known, before_id=before_id, limit=PAGE + 1, without=without)
        cancelled = queries.numbers_that_cancelled(connection)
        first: list[queries.Thread] = []
        if cancelled and before_id is None:
            first = queries.threads(
                connection, known=known, before_id=None, limit=PAGE, only=cancelled, without=without
            )
    people = [person.public_id for thread in first + found[:PAGE] for person in thread.who.people]
    note_patients(Listing.INBOX, people)
    rest = [thread for thread in found[:PAGE] if thread not in first]
    return render_template(
        "desk/texts/inbox.html",
        threads=first + rest,
        cancelled=cancelled,
        older=found[PAGE - 1].last_id if len(found) > PAGE else None,
        newest=before_id is None,
        known=known,
        name_of=_name_of,
        display=display,
        local=_local,
    )


@blueprint.get("/<int(max=2147483647):message_id>")
def thread(message_id: int) -> ResponseReturnValue:
    return _thread(message_id)


def _text_now(message_id: int) -> Facts:
    with db.reading.connect() as connection:
        texts = queries.texts_of(connection, _number_of(connection, message_id), MOST_PAGES * THREAD)
    text = next((one for one in texts if one.id == query_fields.number("text") and one.kind == "desk"), None)
    if text is None:
        raise NotFound("text")
    return of_text(text)


def _marks_now(message_id: int) -> Facts:
    with db.reading.connect() as connection:
        number = _number_of(connection, message_id)
        return of_marks(queries.correspondents(connection, [number])[number])


@blueprint.post("/<int(max=2147483647):message_id>/read")
def read(message_id: int) -> ResponseReturnValue:
    """The page's own script asks for it when the thread has been opened, and a button without it."""
    usecases.mark_read(
        db.session(),
        number=_number(message_id),
        from_id=query_fields.number("from") or 0,
        up_to_id=_up_to(),
        now=clock.now(),
        actor=current_user.actor,
    )
    if request.headers.get("X-Requested-With") == "fetch":
        return Response(str(unread()), mimetype="text/plain")
    return redirect(url_for(".show"), 303)


@blueprint.post("/<int(max=2147483647):message_id>/answer")
def answer(message_id: int) -> ResponseReturnValue:
    body = request.form.get("body", "")[: query_fields.SHOWN_AGAIN]
    if "count" in request.form:
        return _thread(message_id, typed=body, cost=_cost(body))
    try:
        usecases.answer_text(
            db.session(),
            number=_number(message_id),
            body=body,
            from_id=query_fields.number("from") or 0,
            up_to_id=_up_to(),
            now=clock.now(),
            actor=current_user.actor,
        )
    except Invalid as invalid:
        problem = invalid.errors["body"]
        return _thread(message_id, typed=body, problem=_(problem), status=422)
    except (NotTextable, AnsweredMeanwhile, WroteMeanwhile) as refusal:
        explained = explain(refusal)
        problem = f"{explained.title} {explained.advice}"
        return _thread(message_id, typed=body, problem=problem, status=explained.status)
    flash(_("Your answer is on its way."))
    return redirect(url_for(".thread", message_id=message_id, _anchor="end"), 303)


@blueprint.post("/<int(max=2147483647):message_id>/again")
@acts_on(_text_now)
def again(message_id: int) -> ResponseReturnValue:
    text_id = query_fields.number("text") or 0
    try:
        usecases.send_again(
            db.session(), number=_number(message_id), text_id=text_id, now=clock.now(), actor=current_user.actor
        )
    except NotTextable as refusal:
        explained = explain(refusal)
        return _thread(message_id, problem=f"{explained.title} {explained.advice}", status=explained.status)
    flash(_("Your answer is on its way."))
    return redirect(url_for(".thread", message_id=message_id, _anchor="end"), 303)


@blueprint.post("/<int(max=2147483647):message_id>/wrong-number")
@acts_on(_marks_now)
def wrong_number(message_id: int) -> ResponseReturnValue:
    stop = pressed_yes("stop")
    settle_wrong_number(db.session(), number=_number(message_id), stop=stop, now=clock.now(), actor=current_user.actor)
    flash(
        _("This number gets no more texts about these patients.") if stop else _("This number goes on getting texts.")
    )
    return redirect(url_for(".thread", message_id=message_id, _anchor="end"), 303)


def _thread(
    message_id: int, *, typed: str = "", cost: Cost | None = None, problem: str = "", status: int = 200
) -> ResponseReturnValue:
    pages = min(query_fields.number("pages") or 1, MOST_PAGES)
    with db.reading.connect() as connection:
        number = _number_of(connection, message_id)
        who = queries.correspondents(connection, [number])[number]
        found = queries.texts_of(connection, number, pages * THREAD + 1)
        names = page.names_of_staff(connection, [text.written_by for text in found if text.written_by])
    texts = found[-pages * THREAD :]
    if request.method == "GET":
        for person in who.people:
            note_view(db.session(), actor=current_user.actor, now=clock.now(), patient_id=person.id, details="texts")
    html = render_template(
        "desk/texts/thread.html",
        who=who,
        texts=texts,
        message_id=message_id,
        first=texts[0].id,
        up_to=texts[-1].id,
        older=pages + 1 if len(found) > len(texts) and pages < MOST_PAGES else None,
        unread=any(text.unread for text in texts),
        typed=typed,
        cost=cost,
        problem=problem,
        name=_name_of(who),
        display=display,
        local=_local,
        sign=text_sign,
        by=lambda actor: actor_words(actor, names),
        lost=_lost(texts),
        kind_words=kind_words,
        alphabet={"basic": "".join(sorted(BASIC)), "extended": "".join(sorted(EXTENDED))},
    )
    return html, status


def _lost(texts: list[ThreadText]) -> set[int]:
    """Answers that did not arrive and whose words were not written again since."""
    later: set[str] = set()
    found = set()
    for text in reversed(texts):
        if text.kind == "desk" and text.body:
            if text.status in queries.LOST and text.body not in later:
                found.add(text.id)
            later.add(text.body)
    return found


def _number(message_id: int) -> str:
    return _number_of(db.session.connection(), message_id)


def _number_of(connection: Connection, message_id: int) -> str:
    number = queries.number_of(connection, message_id)
    if number is None:
        raise NotFound("thread")
    return number


def _up_to() -> int:
    """The newest message that was on the page; without it nothing was."""
    return query_fields.number("up_to") or 0


def _cost(body: str) -> Cost:
    body = usecases.as_sent(body)
    return Cost(segments(body), is_gsm7(body))


def _name_of(who: Correspondent) -> str:
    names = ", ".join(f"{person.given_name} {person.family_name}" for person in who.people)
    return names or display(who.number)


def _local(at: datetime) -> datetime:
    return clinic_local(at)
