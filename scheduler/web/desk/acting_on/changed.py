"""A form whose subject has changed since its page showed it: both are shown, and it can be sent again as it was typed."""

from dataclasses import dataclass

from flask import request
from flask.typing import ResponseReturnValue

from scheduler.extensions import db
from scheduler.queries.patients import patients
from scheduler.web.desk.acting_on import SHOWN, reader_of, shown, unpacked
from scheduler.web.desk.acting_on.shown_facts import NOTHING, Facts
from scheduler.web.desk.acting_on.typed import typed_values
from scheduler.web.desk.looks import note_seen
from scheduler.web.desk.panel import page
from scheduler.web.desk.sign_in.paths import page_before

NOT_SENT_AGAIN = ("csrf_token", "password_again", SHOWN)


@dataclass(frozen=True, slots=True)
class Fact:
    """`then`: what the page showed."""

    label: str
    then: str
    now: str


def refuse_changed() -> ResponseReturnValue | None:
    """Before every view of the desk that changes something: None to go on."""
    read = reader_of(request.endpoint or "") if request.method == "POST" else None
    now = read(**(request.view_args or {})) if read else None
    if now is None or (now and unpacked(request.form.get(SHOWN, "")) == now):
        return None
    _note_patients()
    path = request.full_path.rstrip("?")
    fields = [[name, value] for name, value in request.form.items(multi=True) if name not in NOT_SENT_AGAIN]
    return page(
        "desk/changed.html",
        status=409,
        facts_told=_beside_each_other(unpacked(request.form.get(SHOWN, "")), now),
        is_gone=not now,
        again=shown(now),
        path=path,
        fields=fields,
        values=typed_values(fields),
        back=page_before(),
    )


def _beside_each_other(then: Facts, now: Facts) -> list[Fact]:
    labels = dict.fromkeys([*now, *then])
    return [Fact(label, then.get(label, NOTHING), now.get(label, NOTHING)) for label in labels]


def _note_patients() -> None:
    """What is said of somebody whom the address names has been looked at."""
    values = request.view_args or {}
    for public_id in (values[name] for name in ("public_id", "other_id") if name in values):
        with db.reading.connect() as connection:
            patient = patients.row(connection, public_id)
        note_seen(patient.id)
