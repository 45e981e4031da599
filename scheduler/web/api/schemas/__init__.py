"""Bodies as marshmallow schemas: those that come in are read by them, those that go out are described by them."""

from marshmallow import RAISE, Schema, fields

from scheduler.domain.booking.availability import HiddenReason
from scheduler.domain.clinic.treatment_kind import TreatmentKind
from scheduler.domain.patients import person_name
from scheduler.queries.visits.appointments import SHOWN
from scheduler.usecases.patients.patients import LANGUAGES
from scheduler.usecases.visits.ims_given import LONGEST_REASON
from scheduler.web.api.schemas.field_types import Day, Identifier, Moment, OneOf, Phone, Text, TimeOfDay, YesNo

CHANGED_TO = ("booked", "confirmed", "arrived", "completed", "no_show", "cancelled")
WHOSE = {"description": "With cleared_for_ims: whose decision it is, the slug of a practitioner who may needle."}
AGREES = {
    "description": "What the patient said of reminders and replies by text to this number; it is recorded. False: none go "
    "out, but for codes that the patient asks for; on a number that is another patient's too a new record changes nothing. "
    "Left out or null: nothing is recorded, and texts go out."
}
ID = {"description": "An unguessable id."}
WHEN = {"description": "RFC 3339 with any offset; it is understood as the clinic's wall clock at that moment."}


class Body(Schema):
    """A JSON object of known fields."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "There is no such field.", "type": "Send a JSON object."}  # noqa: RUF012 - as the parent has it


class NewPatient(Body):
    given_name = Text(longest=person_name.LONGEST, pattern=person_name.PATTERN, required=True)
    family_name = Text(longest=person_name.LONGEST, pattern=person_name.PATTERN, required=True)
    birth_date = Day(load_default=None, allow_none=True)
    phone = Phone(load_default=None, allow_none=True)
    language = OneOf(LANGUAGES, load_default="en")
    cleared_for_ims = YesNo(load_default=False, metadata={"description": "Practitioners and the owner."})
    cleared_by = Identifier(load_default=None, allow_none=True, metadata=WHOSE)
    agrees_to_texts = YesNo(load_default=None, allow_none=True, metadata=AGREES)


class PatientChange(Body):
    given_name = Text(longest=person_name.LONGEST, pattern=person_name.PATTERN)
    family_name = Text(longest=person_name.LONGEST, pattern=person_name.PATTERN)
    birth_date = Day()
    phone = Phone()
    language = OneOf(LANGUAGES)
    cleared_for_ims = YesNo(metadata={"description": "Practitioners and the owner."})
    cleared_by = Identifier(allow_none=True, metadata=WHOSE)
    agrees_to_texts = YesNo(metadata=AGREES)


class Elsewhere(Body):
    day = Day(required=True)
    time = TimeOfDay(
        load_default=None, allow_none=True, metadata={"description": "Unknown: it counts from the end of the day."}
    )


class NewAppointment(Body):
    patient = Identifier(required=True, metadata=ID)
    treatment = Identifier(required=True, metadata={"description": "A slug."})
    practitioner = Identifier(load_default=None, allow_none=True, metadata={"description": "A slug; null: anyone."})
    starts_at = Moment(required=True, metadata=WHEN)


class AppointmentChange(Body):
    """Either when and with whom, or the status; OpenAPI is told so in __init__.py."""

    starts_at = Moment(metadata=WHEN)
    practitioner = Identifier(
        allow_none=True,
        metadata={"description": "A slug; null: the same one if free then, else anyone."},
    )
    status = OneOf(CHANGED_TO)
    ims_given = YesNo(
        allow_none=True,
        metadata={
            "description": "With completed: what happened, whatever was planned; null: to be said later. True and false: "
            "practitioners and the owner. Another answer than before: practitioners, with a reason.",
        },
    )
    reason = Text(
        longest=LONGEST_REASON, metadata={"description": "Why the answer in ims_given is another than before."}
    )


class Cancellation(Body):
    reason = Text(longest=500, load_default="")
    tells_patient = YesNo(
        load_default=True,
        metadata={
            "description": "By a text, some minutes later, as at the desk; where none can go out the visit is on the call "
            "list. A visit that has begun is not told of."
        },
    )


class Names(Schema):
    en = fields.String(required=True)
    fr = fields.String(required=True)


class TreatmentShown(Schema):
    slug = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": [kind.value for kind in TreatmentKind]})
    name = fields.Nested(Names, required=True)
    minutes = fields.Integer(required=True)
    buffer_minutes = fields.Integer(required=True)
    online = fields.Boolean(required=True)
    needs_clearance = fields.Boolean(required=True)
    spacing_group = fields.String(required=True, allow_none=True)
    min_days = fields.Integer(required=True, allow_none=True)


class PractitionerShown(Schema):
    slug = fields.String(required=True)
    given_name = fields.String(required=True)
    family_name = fields.String(required=True)
    can_needle = fields.Boolean(required=True)
    treatments = fields.List(fields.String(), required=True, metadata={"description": "Slugs."})


class SlotShown(Schema):
    starts_at = fields.DateTime(required=True)
    ends_at = fields.DateTime(required=True)
    treatment = fields.String(required=True)
    practitioner = fields.String(required=True)


class SlotsShown(Schema):
    slots = fields.List(fields.Nested(SlotShown), required=True)
    empty_because = fields.List(
        fields.String(metadata={"enum": [*(reason.value for reason in HiddenReason), "not-cleared", "no-days"]}),
        required=True,
        metadata={"description": "Why there is no slot, the most telling reason first."},
    )
    earliest_allowed = fields.DateTime(
        allow_none=True,
        metadata={"description": "With patient: the first moment that the spacing of visits allows; null: now."},
    )


class PatientShown(Schema):
    id = fields.String(required=True)
    given_name = fields.String(required=True)
    family_name = fields.String(required=True)
    birth_date = fields.Date(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True, metadata={"description": "E.164."})
    language = fields.String(required=True, metadata={"enum": list(LANGUAGES)})
    cleared_for_ims = fields.Boolean(required=True, metadata={"description": "Today."})
    cleared_by = fields.String(
        required=True, allow_none=True, metadata={"description": "Whose decision it was: a practitioner's slug."}
    )
    clearance_entered_by = fields.String(
        required=True, allow_none=True, metadata={"description": "Who entered it, like staff:priya or token:desk."}
    )
    clearance_lapses_on = fields.Date(
        required=True, allow_none=True, metadata={"description": "The first day on which it holds no longer."}
    )
    agrees_to_texts = fields.Boolean(
        required=True, allow_none=True, metadata={"description": "What was said last about the number; null: nothing."}
    )
    next_allowed = fields.Dict(
        keys=fields.String(),
        values=fields.DateTime(allow_none=True),
        required=True,
        metadata={"description": "Spacing group → the first moment allowed; null: now."},
    )
    feed_url = fields.String(required=True, metadata={"format": "uri"})


class AppointmentShown(Schema):
    id = fields.String(required=True)
    patient = fields.String(required=True, allow_none=True)
    treatment = fields.String(required=True)
    practitioner = fields.String(required=True, allow_none=True, metadata={"description": "Null for one elsewhere."})
    status = fields.String(required=True, metadata={"enum": list(SHOWN)})
    starts_at = fields.DateTime(required=True)
    ends_at = fields.DateTime(required=True)
    time_known = fields.Boolean(required=True)
    counts_for = fields.String(required=True, allow_none=True, metadata={"description": "A spacing group."})
    ims_given = fields.Boolean(
        required=True, allow_none=True, metadata={"description": "Of a completed visit; null: nobody has said."}
    )
    origin = fields.String(required=True)
    version = fields.Integer(required=True)


class Warned(Schema):
    code = fields.String(required=True, metadata={"enum": ["ims-unanswered"]})
    appointment = fields.String(required=True, metadata={"description": "A completed visit of this patient."})


class AppointmentBooked(AppointmentShown):
    warnings = fields.List(
        fields.Nested(Warned),
        required=True,
        metadata={
            "description": "Booked, or moved, all the same. ims-unanswered: nobody has said yet whether IMS was given at "
            "that visit, and it is too near."
        },
    )


class AppointmentChanged(AppointmentShown):
    warnings = fields.List(
        fields.Nested(Warned), metadata={"description": "Of a move only: as for an appointment that is booked."}
    )


class ElsewhereRecorded(AppointmentShown):
    must_move = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Booked appointments of this patient that are too near to it now, by their ids."},
    )


class TreatmentsShown(Schema):
    items = fields.List(fields.Nested(TreatmentShown), required=True)
    next = fields.String(required=True, allow_none=True)


class PractitionersShown(Schema):
    items = fields.List(fields.Nested(PractitionerShown), required=True)
    next = fields.String(required=True, allow_none=True)


class PatientsShown(Schema):
    items = fields.List(fields.Nested(PatientShown), required=True)
    next = fields.String(required=True, allow_none=True)


class AppointmentsShown(Schema):
    items = fields.List(fields.Nested(AppointmentShown), required=True)
    next = fields.String(required=True, allow_none=True)


class Problem(Schema):
    """RFC 9457. Further members give the facts of a refusal, see `code`."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    errors = fields.Dict(
        keys=fields.String(), values=fields.String(), metadata={"description": "invalid: field → what is wrong."}
    )
    earliest = fields.DateTime(metadata={"description": "treatment-too-soon: the first start allowed after it."})
    latest_before = fields.DateTime(
        allow_none=True, metadata={"description": "treatment-too-soon: the last start allowed before it."}
    )
    min_days = fields.Integer(metadata={"description": "treatment-too-soon."})
    alternatives = fields.List(
        fields.Nested(SlotShown), metadata={"description": "The nearest slots that can be booked instead."}
    )
    reason = fields.String(allow_none=True, metadata={"description": "slot-not-offered: why."})
    version = fields.Integer(metadata={"description": "version-conflict: the version now."})
    deadline = fields.DateTime(metadata={"description": "too-late-to-change: until when it could be changed."})
    from_status = fields.String(metadata={"description": "status-refused."})
    to_status = fields.String(metadata={"description": "status-refused."})
