"""Everything the desk shows of one patient. Each function is one SELECT."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, and_, case, or_, select

from scheduler.domain.errors import NotFound
from scheduler.models import (
    Appointment,
    Message,
    Patient,
    PatientMerge,
    PhoneAccount,
    Practitioner,
    Room,
    Screening,
    StaffUser,
    Treatment,
)
from scheduler.models.texts.wrong_number import WrongNumber

MOST_VISITS, MOST_TEXTS, MOST_SCREENINGS = 200, 20, 5
SHOWN = ("booked", "confirmed", "arrived", "completed", "cancelled", "no_show")


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """`merged_into`: the public id of the record that this one became part of. `wrong_number_at`: somebody wrote from the
    number that they are not this patient; `stopped_at`: reception agreed. `closed_why`: nobody wrote, the desk
    ended that somebody on the number acts for this child."""

    id: int
    public_id: str
    given_name: str
    family_name: str
    birth_date: date | None
    language: str
    note: str
    version: int
    cleared_at: datetime | None
    cleared_by: str | None
    clearing_practitioner: str | None
    restricted_at: datetime | None
    restricted_by: str | None
    created_at: datetime
    account_id: int | None
    number: str | None
    verified_at: datetime | None
    opted_out_at: datetime | None
    opted_out_by: str | None
    unreachable_at: datetime | None
    unreachable_why: str | None
    merged_into: str | None
    wrong_number_at: datetime | None
    stopped_at: datetime | None
    closed_why: str | None

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}"


@dataclass(frozen=True, slots=True)
class PatientVisit:
    """`counts`: for the seven days. `reason`: why it was last changed."""

    public_id: str
    starts_local: datetime
    ends_at: datetime
    minutes: int
    status: str
    origin: str
    treatment_en: str
    treatment_fr: str
    practitioner: str | None
    room: str | None
    counts: bool
    time_known: bool
    version: int
    reason: str | None
    ims_given: bool | None
    ims_open: bool

    def treatment(self, language: str) -> str:
        return self.treatment_fr if language == "fr" else self.treatment_en


@dataclass(frozen=True, slots=True)
class PatientText:
    """`thread_id`: it opens the inbox's thread of the patient's number."""

    thread_id: int | None
    created_at: datetime
    direction: str
    kind: str
    body: str
    status: str
    error_code: str | None


@dataclass(frozen=True, slots=True)
class PatientScreening:
    answers: dict[str, Any]
    flagged: bool
    needled_elsewhere_on: date | None
    note: str
    answered_at: datetime
    visit_local: datetime


@dataclass(frozen=True, slots=True)
class Relative:
    """Somebody on the same number."""

    public_id: str
    given_name: str
    family_name: str
    birth_date: date | None


def record(connection: Connection, public_id: str) -> PatientRecord:
    """NotFound when there is none."""
    kept = Patient.__table__.alias("kept")
    row: Any = connection.execute(
        select(
            Patient.id,
            Patient.public_id,
            Patient.given_name,
            Patient.family_name,
            Patient.birth_date,
            Patient.language,
            Patient.note,
            Patient.version,
            Patient.cleared_for_ims_at,
            Patient.cleared_by,
            Practitioner.given_name + " " + Practitioner.family_name,
            Patient.restricted_at,
            Patient.restricted_by,
            Patient.created_at,
            PhoneAccount.id,
            PhoneAccount.number,
            PhoneAccount.verified_at,
            PhoneAccount.opted_out_at,
            PhoneAccount.opted_out_by,
            PhoneAccount.unreachable_at,
            PhoneAccount.unreachable_why,
            kept.c.public_id,
            WrongNumber.said_at,
            WrongNumber.stopped_at,
            WrongNumber.why,
        )
        .outerjoin(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
        .outerjoin(Practitioner, Practitioner.id == Patient.clearing_practitioner_id)
        .outerjoin(PatientMerge, PatientMerge.merged_patient_id == Patient.id)
        .outerjoin(kept, kept.c.id == PatientMerge.kept_patient_id)
        .outerjoin(
            WrongNumber,
            and_(
                WrongNumber.patient_id == Patient.id,
                WrongNumber.phone_account_id == Patient.phone_account_id,
                WrongNumber.lifted_at.is_(None),
            ),
        )
        .where(Patient.public_id == public_id)
    ).first()
    if row is None:
        raise NotFound("patient")
    return PatientRecord(*row)


def visits(connection: Connection, patient_id: int, *, limit: int = MOST_VISITS) -> list[PatientVisit]:
    """The latest first, cancelled and missed ones and IMS elsewhere included."""
    rows: Any = connection.execute(
        select(
            Appointment.public_id,
            Appointment.starts_local,
            Appointment.ends_at,
            Appointment.minutes,
            Appointment.status,
            Appointment.origin,
            Treatment.name_en,
            Treatment.name_fr,
            Practitioner.given_name + " " + Practitioner.family_name,
            Room.name,
            and_(Appointment.active, Appointment.spacing_group_id.is_not(None)),
            Appointment.time_known,
            Appointment.version,
            Appointment.changed_why,
            Appointment.ims_given,
            Appointment.ims_open,
        )
        .join(Treatment, Treatment.id == Appointment.treatment_id)
        .outerjoin(Practitioner, Practitioner.id == Appointment.practitioner_id)
        .outerjoin(Room, Room.id == Appointment.room_id)
        .where(Appointment.patient_id == patient_id, Appointment.status.in_(SHOWN))
        .order_by(Appointment.starts_at.desc())
        .limit(limit)
    )
    return [PatientVisit(*row) for row in rows]


def texts(connection: Connection, patient_id: int, number: str | None, *, limit: int = MOST_TEXTS) -> list[PatientText]:
    """About this patient, and those of the number that are about nobody in particular; the latest first."""
    of_number = [and_(Message.number == number, Message.patient_id.is_(None))] if number else []
    opens_thread = and_(Message.number == number, Message.for_desk)
    rows: Any = connection.execute(
        select(
            case((opens_thread, Message.id)),
            Message.created_at,
            Message.direction,
            Message.kind,
            Message.body,
            Message.status,
            Message.error_code,
        )
        .where(or_(Message.patient_id == patient_id, *of_number))
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return [PatientText(*row) for row in rows]


def screenings(connection: Connection, patient_id: int, *, limit: int = MOST_SCREENINGS) -> list[PatientScreening]:
    """The latest first."""
    rows: Any = connection.execute(
        select(
            Screening.answers,
            Screening.flagged,
            Screening.needled_elsewhere_on,
            Screening.note,
            Screening.answered_at,
            Appointment.starts_local,
        )
        .join(Appointment, Appointment.id == Screening.appointment_id)
        .where(Screening.patient_id == patient_id)
        .order_by(Screening.id.desc())
        .limit(limit)
    )
    return [PatientScreening(*row) for row in rows]


def family(connection: Connection, account_id: int, patient_id: int) -> list[Relative]:
    """The others on the number."""
    rows: Any = connection.execute(
        select(Patient.public_id, Patient.given_name, Patient.family_name, Patient.birth_date)
        .where(Patient.phone_account_id == account_id, Patient.id != patient_id)
        .order_by(Patient.id)
    )
    return [Relative(*row) for row in rows]


def names_of_staff(connection: Connection, actors: Iterable[str]) -> dict[str, str]:
    """ "staff:priya" → "Priya Iyer", of those who are or were staff."""
    usernames = {actor.partition(":")[2] for actor in actors if actor.startswith("staff:")}
    if not usernames:
        return {}
    rows: Any = connection.execute(
        select(StaffUser.username, StaffUser.display_name).where(StaffUser.username.in_(usernames))
    )
    return {f"staff:{username}": name for username, name in rows}


def visit_counting_from(connection: Connection, patient_id: int, counts_from: datetime) -> PatientVisit:
    """The coming visit that counts from that moment. NotFound when it has gone."""
    for visit in visits(connection, patient_id):
        if visit.counts and visit.starts_local == counts_from and visit.origin != "elsewhere":
            return visit
    raise NotFound("appointment")
