"""Visits of the next days whose patient no text will remind, or tell that the visit is cancelled: they are telephoned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from scheduler.domain.texts.no_texts import NoTexts
from scheduler.domain.texts.reminder_plan import CANCELLATION
from scheduler.models import Appointment, Patient, PhoneAccount, Practitioner, Reminder, ReminderCall, Treatment
from scheduler.models.texts.sms import NO_RECEIPT, WAITS_FOR_BUDGET
from scheduler.queries.texts.no_texts import why_no_texts
from scheduler.queries.visits.must_move import MUST_MOVE, TEXT_KIND, VisitTime, was_asked, without_anybody
from scheduler.queries.visits.private_visits import born_by

Reason = NoTexts | Literal["must move", "failed", "in doubt", "budget", "trying"]
ANY_ZONE = timedelta(hours=15)
"""No clock of a clinic is further from UTC."""
HELD_UP = timedelta(hours=1)
"""A text due so long ago has not gone through, in an outage or with the telephone off: while it is tried again, the visits
of the next `NEAR` are telephoned."""
NEAR = timedelta(hours=24)
TIME_TO_CHOOSE = timedelta(hours=24)
"""So long after a patient was asked to choose another time, whoever has not is telephoned."""
UNSENT = (MUST_MOVE, *(each.value for each in NoTexts if each is not NoTexts.RESTRICTED))
"""Reasons of suppressed reminders."""


@dataclass(frozen=True, slots=True)
class Call:
    """`cancelled`: by the desk, and the patient may not know. `reason`: why no text arrived. `called_at`: it has been
    ticked off."""

    public_id: str
    schedule_version: int
    starts_local: datetime
    patient_id: str
    given_name: str
    family_name: str
    language: str
    number: str | None
    treatment_en: str
    treatment_fr: str
    practitioner: str
    cancelled: bool
    reason: Reason
    called_at: datetime | None
    called_by: str | None

    def treatment(self, language: str) -> str:
        return self.treatment_fr if language == "fr" else self.treatment_en


_told = aliased(Reminder)
"""The one text about a cancelled visit, or that asks to choose another time."""


def due(connection: Connection, *, from_at: datetime, to_at: datetime) -> list[Call]:
    """By time of the visit; `from_at` is now. Two SELECTs, and three when somebody has not chosen another time."""
    # What the indexes know, for each of the two that are asked.
    near = Appointment.starts_local.between(_wall(from_at - ANY_ZONE), _wall(to_at + ANY_ZONE))
    rows: Sequence[Any] = connection.execute(
        select(
            Appointment.id,
            Appointment.public_id,
            Appointment.schedule_version,
            Appointment.starts_local,
            Appointment.status,
            Appointment.minutes,
            Appointment.practitioner_id,
            _to_have_chosen(from_at).label("to_have_chosen"),
            Patient.public_id.label("patient_id"),
            Patient.given_name,
            Patient.family_name,
            Patient.language,
            PhoneAccount.number,
            why_no_texts(born_by(from_at)).label("why_no_texts"),
            Treatment.name_en,
            Treatment.name_fr,
            (Practitioner.given_name + " " + Practitioner.family_name).label("practitioner"),
            ReminderCall.called_at,
            ReminderCall.called_by,
        )
        .join(Patient, Patient.id == Appointment.patient_id)
        .join(Treatment, Treatment.id == Appointment.treatment_id)
        .join(Practitioner, Practitioner.id == Appointment.practitioner_id)
        .outerjoin(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
        .outerjoin(
            _told,
            and_(
                _told.appointment_id == Appointment.id,
                _told.version == Appointment.schedule_version,
                or_(
                    and_(_told.kind == CANCELLATION, Appointment.status == "cancelled"),
                    and_(was_asked(_told), Appointment.active),
                ),
            ),
        )
        .outerjoin(
            ReminderCall,
            and_(
                ReminderCall.appointment_id == Appointment.id,
                ReminderCall.schedule_version == Appointment.schedule_version,
                or_(_told.id.is_(None), ReminderCall.called_at >= _told.due_at),  # before, it was about a reminder
            ),
        )
        .where(Appointment.starts_at >= from_at, Appointment.starts_at < to_at)
        .where(
            or_(
                and_(
                    Appointment.active,
                    near,
                    Appointment.status.in_(("booked", "confirmed")),
                    or_(
                        why_no_texts(born_by(from_at)) != NoTexts.RESTRICTED.value,
                        exists().where(_of_visit(), or_(_unsent(Reminder), _held_up(from_at))),
                        _to_have_chosen(from_at),
                    ),
                ),
                and_(~Appointment.active, near, _not_told(_told)),
            )
        )
        .order_by(Appointment.starts_at, Appointment.id)
    ).all()
    last_texts = _last_texts(connection, [row.id for row in rows], from_at)
    must_move = without_anybody(
        connection,
        [VisitTime(row.id, row.practitioner_id, row.starts_local, row.minutes) for row in rows if row.to_have_chosen],
    )
    found = [(row, _reason(row, last_texts.get(row.id), must_move=row.id in must_move)) for row in rows]
    return [_call(row, reason) for row, reason in found if reason is not None]


def _wall(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def told_of_from(connection: Connection, appointment_id: int, schedule_version: int) -> datetime | None:
    """When the text was due that says that this visit is cancelled or must move: a call made before was about a reminder."""
    found: datetime | None = connection.scalar(
        select(func.max(_told.due_at)).where(
            _told.appointment_id == appointment_id,
            _told.version == schedule_version,
            or_(_told.kind == CANCELLATION, was_asked(_told)),
        )
    )
    return found


def _call(row: Any, reason: Reason) -> Call:
    return Call(
        row.public_id,
        row.schedule_version,
        row.starts_local,
        row.patient_id,
        row.given_name,
        row.family_name,
        row.language,
        row.number,
        row.name_en,
        row.name_fr,
        row.practitioner,
        row.status == "cancelled",
        reason,
        row.called_at,
        row.called_by,
    )


def _of_visit() -> Any:
    return and_(Reminder.appointment_id == Appointment.id, Reminder.version == Appointment.schedule_version)


def _unsent(text: type[Reminder]) -> Any:
    return or_(
        text.status.in_(("failed", "in_doubt")),
        and_(text.status == "sent", text.reason == NO_RECEIPT),
        and_(text.status == "planned", text.reason == WAITS_FOR_BUDGET),
        and_(text.status == "suppressed", text.reason.in_(UNSENT)),
    )


def _not_told(text: type[Reminder]) -> Any:
    """Of a cancelled visit. Its patient may set out while the text is tried again."""
    return and_(
        text.kind == CANCELLATION,
        or_(
            _unsent(text),
            and_(text.status == "suppressed", text.reason == NoTexts.RESTRICTED.value),
            and_(text.status == "planned", text.attempts > 0),
        ),
    )


def _held_up(now: datetime) -> Any:
    return and_(Reminder.status == "planned", Reminder.due_at < now - HELD_UP, Appointment.starts_at < now + NEAR)


def _to_have_chosen(now: datetime) -> ColumnElement[bool]:
    """Asked to choose another time: some time ago, or the visit is near."""
    return and_(_told.kind == TEXT_KIND, or_(_told.due_at < now - TIME_TO_CHOOSE, Appointment.starts_at < now + NEAR))


def _last_texts(connection: Connection, appointment_ids: list[int], now: datetime) -> dict[int, Any]:
    """Appointment's id → what became of the last of its texts that was due."""
    if not appointment_ids:
        return {}
    rows = connection.execute(
        select(Reminder.appointment_id, Reminder.status, Reminder.reason)
        .join(Appointment, Appointment.id == Reminder.appointment_id)
        .where(Reminder.appointment_id.in_(appointment_ids), Reminder.version == Appointment.schedule_version)
        .where(or_(_unsent(Reminder), Reminder.status == "sent", _not_told(Reminder), _held_up(now)))
        .order_by(Reminder.due_at)
    )
    return {row.appointment_id: row for row in rows}


def _reason(row: Any, last: Any, *, must_move: bool) -> Reason | None:
    """None when a later text arrived after all."""
    if row.why_no_texts not in (None, NoTexts.RESTRICTED):
        return NoTexts(row.why_no_texts)
    if last is None or (last.status == "sent" and last.reason != NO_RECEIPT):
        return "must move" if must_move else None
    if last.status == "planned":
        return "budget" if last.reason == WAITS_FOR_BUDGET else "trying"
    if last.status in ("in_doubt", "sent"):
        return "in doubt"
    return _BY_REASON.get(last.reason, "failed")


_BY_REASON: dict[str, Reason] = {
    MUST_MOVE: "must move",
    NoTexts.RESTRICTED: NoTexts.RESTRICTED,
    NoTexts.WRONG_NUMBER: NoTexts.WRONG_NUMBER,
    NoTexts.NOT_TO_A_PARENT: NoTexts.NOT_TO_A_PARENT,
}
