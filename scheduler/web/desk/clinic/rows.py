"""Practitioners, rooms, treatments and spacing groups: a list of each, and a page for one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute
from wtforms import BooleanField, HiddenField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice

from scheduler import clock
from scheduler.domain.clinic.treatment_kind import TreatmentKind
from scheduler.domain.errors import ChangedMeanwhile, Invalid, NotFound, StillBooked
from scheduler.extensions import db
from scheduler.models import Practitioner, PractitionerTreatment, Room, SpacingGroup, Treatment
from scheduler.usecases.clinic import rows as settings_rows
from scheduler.usecases.clinic.settings import mark_of
from scheduler.usecases.clinic.spacing import TooNear, too_near
from scheduler.web import access
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.desk.sign_in.forms import DeskForm, meanwhile
from scheduler.web.forms.fields import form_errors, tidy
from scheduler.web.requests.language import template_variables

blueprint = Blueprint("desk_settings_rows", __name__, url_prefix="/desk/settings")
access.declare(blueprint, "staff", roles=("owner",), guard=require_staff)
UNCHOSEN = "?"
"""The kind of a new treatment until somebody has chosen: neither needles nor none may come about by leaving it."""
ON_DEMAND = ("named_so_on_purpose",)
KIND = "<any(practitioners, rooms, treatments, spacing):kind>"


KIND_WORDS = {
    TreatmentKind.ASSESSMENT: _l("Assessment: where somebody new begins"),
    TreatmentKind.IMS: _l("IMS: every treatment with needles"),
    TreatmentKind.OTHER: _l("Another treatment"),
}


class RowForm(DeskForm):
    seen = HiddenField()

    def typed(self) -> dict[str, str]:
        return {field.name: _as_text(field.data) for field in self if field.name != "seen"}


class PractitionerForm(RowForm):
    given_name = StringField(_l("First name"), filters=[tidy])
    family_name = StringField(_l("Last name"), filters=[tidy])
    treatments = SelectMultipleField(_l("Treatments"), validate_choice=False)
    can_needle = BooleanField(_l("Authorised for IMS"))
    position = StringField(_l("Order"), filters=[tidy], default="0")
    active = BooleanField(_l("Works here"), default=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.treatments.choices = _treatment_choices()


class RoomForm(RowForm):
    name = StringField(_l("Name"), filters=[tidy])
    position = StringField(_l("Order"), filters=[tidy], default="0")
    active = BooleanField(_l("In use"), default=True)


class TreatmentForm(RowForm):
    name_en = StringField(_l("Name in English"), filters=[tidy])
    name_fr = StringField(_l("Name in French"), filters=[tidy])
    kind = SelectField(_l("Kind"), validate_choice=False, default=UNCHOSEN)
    named_so_on_purpose = BooleanField(_l("The name is right: no needles are used in this treatment"))
    minutes = StringField(_l("Minutes"), filters=[tidy], default="30")
    buffer_minutes = StringField(_l("Minutes kept free afterwards"), filters=[tidy], default="0")
    group = SelectField(_l("Spacing of a patient’s visits"), validate_choice=False, default="")
    needs_clearance = BooleanField(_l("Only for patients cleared for IMS"))
    online = BooleanField(_l("Patients can book it online"), default=True)
    position = StringField(_l("Order"), filters=[tidy], default="0")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unchosen = [SelectChoice(UNCHOSEN, _("Choose one"))] if self.kind.data == UNCHOSEN else []
        self.kind.choices = [*unchosen, *(SelectChoice(kind.value, words) for kind, words in KIND_WORDS.items())]
        groups = db.session.scalars(select(SpacingGroup).where(~SpacingGroup.needling).order_by(SpacingGroup.id))
        self.group.choices = [
            SelectChoice("", _("None: any day will do")),
            *(SelectChoice(str(group.id), _group_words(group)) for group in groups),
        ]


class SpacingForm(RowForm):
    name = StringField(_l("Name"), filters=[tidy])
    min_days = StringField(_l("Fewest days between two visits of a patient"), filters=[tidy])
    treatments = SelectMultipleField(_l("Treatments"), validate_choice=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.treatments.choices = _treatment_choices()


def _treatment_choices() -> list[SelectChoice]:
    rows = db.session.execute(select(Treatment.id, _name()).order_by(Treatment.position, Treatment.id))
    return [SelectChoice(str(key), words) for key, words in rows]


def _name() -> InstrumentedAttribute[str]:
    """Of a treatment, in the language of the page."""
    return Treatment.name_fr if template_variables()["language"] == "fr" else Treatment.name_en


def _group_words(group: SpacingGroup) -> str:
    return str(
        ngettext(
            "%(name)s: at least %(num)d day apart",
            "%(name)s: at least %(num)d days apart",
            group.min_days,
            name=group.name,
        )
    )


class Around:
    """What the lines of a list speak of besides their own rows, read once for all of them."""

    def __init__(self) -> None:
        treatments = select(Treatment.id, Treatment.spacing_group_id, _name()).order_by(
            Treatment.position, Treatment.id
        )
        self._treatments = db.session.execute(treatments).all()
        done = select(PractitionerTreatment.practitioner_id, PractitionerTreatment.treatment_id)
        self._done = {(who, what) for who, what in db.session.execute(done)}
        self.groups = {group.id: group for group in db.session.scalars(select(SpacingGroup))}

    def treatments_of(self, practitioner_id: int) -> list[str]:
        return [name for key, _group, name in self._treatments if (practitioner_id, key) in self._done]

    def treatments_in(self, group_id: int) -> list[str]:
        return [name for _key, group, name in self._treatments if group == group_id]


@dataclass(frozen=True, slots=True)
class Shown:
    """`line` says of a row: what it is called, and the rest in a few words; `order_hint` where its order is seen."""

    table: Any
    form: type[RowForm]
    title: Any
    new: Any
    line: Callable[[Any, Around], tuple[str, str]]
    order_hint: Any = ""


def _of_practitioner(row: Practitioner, around: Around) -> tuple[str, str]:
    if not row.active:
        return row.full_name, _("no longer here")
    treatments = ", ".join(around.treatments_of(row.id)) or _("no treatments")
    return row.full_name, "; ".join([treatments, *([_("Authorised for IMS")] if row.can_needle else [])])


def _of_room(row: Room, _around: Around) -> tuple[str, str]:
    return row.name, "" if row.active else _("not in use")


def _of_treatment(row: Treatment, around: Around) -> tuple[str, str]:
    group = around.groups.get(row.spacing_group_id) if row.spacing_group_id else None
    said = [_("%(minutes)d min", minutes=row.minutes)]
    said += [_("Assessment")] if row.kind == TreatmentKind.ASSESSMENT else []
    said += [_group_words(group)] if group is not None else []
    said += [_("Only for patients cleared for IMS")] if row.needs_clearance else []
    said += [] if row.online else [_("not online")]
    return f"{row.name_en} / {row.name_fr}", "; ".join(said)


def _of_group(row: SpacingGroup, around: Around) -> tuple[str, str]:
    members = around.treatments_in(row.id)
    days = ngettext("at least %(num)d day apart", "at least %(num)d days apart", row.min_days)
    return row.name, "; ".join((days, ", ".join(members) or _("no treatments")))


KINDS = {
    "practitioners": Shown(
        Practitioner,
        PractitionerForm,
        _l("Practitioners"),
        _l("Add a practitioner"),
        _of_practitioner,
        _l("The smallest number comes first: in the calendar’s columns and where patients choose whom to see."),
    ),
    "rooms": Shown(
        Room,
        RoomForm,
        _l("Rooms"),
        _l("Add a room"),
        _of_room,
        _l("The smallest number comes first: in the calendar’s columns and when a visit is given a free room."),
    ),
    "treatments": Shown(
        Treatment,
        TreatmentForm,
        _l("Treatments"),
        _l("Add a treatment"),
        _of_treatment,
        _l("The smallest number comes first: where patients choose and at the desk."),
    ),
    "spacing": Shown(SpacingGroup, SpacingForm, _l("Spacing groups"), _l("Add a spacing group"), _of_group),
}


@blueprint.get(f"/{KIND}")
def show(kind: str) -> str:
    what = KINDS[kind]
    order = [what.table.position] if hasattr(what.table, "position") else []
    rows = db.session.scalars(select(what.table).order_by(*order, what.table.id)).all()
    around = Around()
    lines = [(row.id, *what.line(row, around)) for row in rows]
    return render_template("desk/clinic/rows.html", tab=kind, kind=kind, title=what.title, new=what.new, rows=lines)


@blueprint.get(f"/{KIND}/new")
def new(kind: str) -> str:
    return _page(kind, None, KINDS[kind].form(None))


@blueprint.post(f"/{KIND}/new")
def add(kind: str) -> ResponseReturnValue:
    return _save(kind, None)


@blueprint.get(f"/{KIND}/<int(max=2000000000):row_id>")
def one(kind: str, row_id: int) -> str:
    values = settings_rows.read(db.session(), kind, row_id)
    data: dict[str, Any] = {**values, "treatments": values.get("treatments", "").split(","), "seen": mark_of(values)}
    return _page(kind, row_id, KINDS[kind].form(None, data=data))


@blueprint.post(f"/{KIND}/<int(max=2000000000):row_id>")
def change(kind: str, row_id: int) -> ResponseReturnValue:
    return _save(kind, row_id)


def _save(kind: str, row_id: int | None) -> ResponseReturnValue:
    form = KINDS[kind].form()
    try:
        saved_id = settings_rows.save(
            db.session(),
            kind=kind,
            row_id=row_id,
            typed=form.typed(),
            seen=form.seen.data or "",
            actor=current_user.actor,
            now=clock.now(),
        )
    except Invalid as refused:
        form.show_refusal(refused)
        return _page(kind, row_id, form), 422
    except StillBooked as refused:
        return _page(kind, row_id, form, booked=refused), 409
    except ChangedMeanwhile as refused:
        form.seen.data = mark_of(refused.now)
        return _page(kind, row_id, form, changed=meanwhile(form, refused.now, form.typed())), 409
    flash(_("Saved."))
    if kind == "spacing" and _too_near(saved_id):
        return redirect(url_for("desk_settings_rows.one", kind=kind, row_id=saved_id), 303)
    return redirect(url_for("desk_settings_rows.show", kind=kind), 303)


def _too_near(group_id: int) -> list[TooNear]:
    group = db.session.get(SpacingGroup, group_id)
    return too_near(db.session.connection(), group, now=clock.now()) if group is not None else []


def _page(
    kind: str, row_id: int | None, form: RowForm, *, changed: list[str] | None = None, booked: StillBooked | None = None
) -> str:
    what = KINDS[kind]
    row = db.session.get(what.table, row_id) if row_id is not None else None
    if row_id is not None and row is None:
        raise NotFound(kind)
    return render_template(
        "desk/clinic/row.html",
        tab=kind,
        kind=kind,
        form=form,
        fields=[
            field
            for field in form
            if field.name != "seen" and (field.name not in ON_DEMAND or field.data or field.errors)
        ],
        title=what.line(row, Around())[0] if row is not None else what.new,
        back=what.title,
        errors=form_errors(form),
        changed=changed or [],
        booked=booked,
        hints={"position": what.order_hint},
        too_near=_too_near(row_id) if kind == "spacing" and row_id is not None else [],
    )


def _as_text(data: Any) -> str:
    if isinstance(data, bool):
        return "y" if data else ""
    return ",".join(data) if isinstance(data, list) else data or ""
