"""What seldom changes, read once for each change: treatments, practitioners, rooms and working hours.

`state` is the one cheap SELECT that says whether anything changed; `current` keeps the rest in memory while
`reference_version` stands (a trigger raises it, see models/constraints/__init__.py), so it is right across processes.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Integer, cast, func, select

from scheduler.domain.booking.availability import WeeklyHours
from scheduler.domain.clinic.treatment_kind import TreatmentKind
from scheduler.domain.errors import NotFound
from scheduler.models import (
    CalendarState,
    CardState,
    Practitioner,
    PractitionerTreatment,
    Room,
    SpacingGroup,
    Treatment,
    WorkingHours,
)
from scheduler.models.engine import Database, database_of
from scheduler.queries.driver_statements import Lent, Plain, Plainly


@dataclass(frozen=True, slots=True)
class TreatmentInfo:
    """`min_days` of its spacing group, none when visits need not be spaced."""

    id: int
    slug: str
    name_en: str
    name_fr: str
    minutes: int
    buffer_minutes: int
    kind: TreatmentKind
    named_so_on_purpose: bool
    needs_clearance: bool
    online: bool
    spacing_group_id: int | None
    spacing_group: str | None
    min_days: int | None

    @property
    def needling(self) -> bool:
        return self.kind is TreatmentKind.IMS

    def name(self, language: str) -> str:
        return self.name_fr if language.startswith("fr") else self.name_en


@dataclass(frozen=True, slots=True)
class PractitionerInfo:
    id: int
    slug: str
    given_name: str
    family_name: str
    can_needle: bool
    treatment_ids: frozenset[int]

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    def does(self, treatment: TreatmentInfo) -> bool:
        return treatment.id in self.treatment_ids and (self.can_needle or not treatment.needling)


class SpacingGroupInfo(NamedTuple):
    id: int
    slug: str
    min_days: int


class State(NamedTuple):
    """`calendar_version` rises with every change of any appointment that has a practitioner."""

    reference_version: int
    calendar_version: int


class DeskState(NamedTuple):
    """What the calendar's days hang on: `State`, and `card_version` for what else its cards show."""

    reference_version: int
    calendar_version: int
    card_version: int


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Everything of one `reference_version`, in the clinic's own order; inactive practitioners and rooms left out.

    Equal to itself alone, so that what hangs on all of it can be kept for it.
    """

    version: int
    treatments: tuple[TreatmentInfo, ...]
    practitioners: tuple[PractitionerInfo, ...]
    rooms: tuple[int, ...]
    hours: tuple[WeeklyHours, ...]

    def treatment(self, slug: str) -> TreatmentInfo:
        return _named(slug, self.treatments)

    def practitioner(self, slug: str) -> PractitionerInfo:
        return _named(slug, self.practitioners)

    @property
    def spacing_groups(self) -> tuple[SpacingGroupInfo, ...]:
        """Those of the treatments."""
        found = {
            SpacingGroupInfo(t.spacing_group_id, t.spacing_group, t.min_days): None
            for t in self.treatments
            if t.spacing_group_id is not None and t.spacing_group is not None and t.min_days is not None
        }
        return tuple(found)

    @property
    def needling(self) -> TreatmentInfo:
        """The first treatment of kind IMS; what counts is its group, the same for all of them. NotFound in a clinic without any."""
        for treatment in self.treatments:
            if treatment.needling:
                return treatment
        raise NotFound("treatment")

    @property
    def assessment(self) -> TreatmentInfo | None:
        """To what somebody new, or not cleared, is led; none when patients cannot book any online."""
        bookable = (t for t in self.treatments if t.online and t.kind is TreatmentKind.ASSESSMENT)
        return next((t for t in bookable if self.practitioners_for(t)), None)

    def treatment_by_id(self, treatment_id: int) -> TreatmentInfo:
        return next(t for t in self.treatments if t.id == treatment_id)

    def practitioner_by_id(self, practitioner_id: int) -> PractitionerInfo | None:
        return next((p for p in self.practitioners if p.id == practitioner_id), None)

    def practitioners_for(self, treatment: TreatmentInfo) -> tuple[PractitionerInfo, ...]:
        return tuple(p for p in self.practitioners if p.does(treatment))


T = TypeVar("T", TreatmentInfo, PractitionerInfo)

STATE_COLUMNS = (
    select(CalendarState.reference_version).scalar_subquery(),
    select(cast(func.sum(Practitioner.calendar_version), Integer)).scalar_subquery(),
)
DESK_STATE_COLUMNS = (*STATE_COLUMNS, select(CardState.version).scalar_subquery())
STATE = select(*STATE_COLUMNS)
_STATE = Plain(STATE)
_kept: "WeakKeyDictionary[Database, Reference]" = WeakKeyDictionary()


def state(connection: Plainly) -> State:
    """One SELECT. Read it before what depends on it: data newer than its version is harmless, older is not."""
    ((reference_version, calendar_version),) = _STATE.all(connection)
    return State(reference_version, calendar_version or 0)


def state_now(engine: Engine) -> State:
    """The same by the shortest way, for an answer that hangs on nothing else."""
    row = _STATE.first_alone(engine)
    assert row is not None  # noqa: S101 - the migration puts the row there
    return State(row[0], row[1] or 0)


def current_at(engine: Engine, version: int) -> Reference:
    """The same as `current`, without a connection as long as nothing changed."""
    kept = _kept.get(database_of(engine))
    if kept is not None and kept.version >= version:
        return kept
    with engine.connect() as connection:
        return current(connection, version)


def current(connection: Plainly, version: int | None = None) -> Reference:
    """The reference data at `version` or newer; from memory when nothing changed."""
    version = state(connection).reference_version if version is None else version
    if isinstance(connection, Lent):
        return current_at(connection.engine, version)
    database = database_of(connection.engine)
    kept = _kept.get(database)
    if kept is None or kept.version < version:
        kept = _kept[database] = _load(connection, version)
    return kept


def _load(connection: Connection, version: int) -> Reference:
    does: dict[int, set[int]] = {}
    for practitioner_id, treatment_id in connection.execute(
        select(PractitionerTreatment.practitioner_id, PractitionerTreatment.treatment_id)
    ):
        does.setdefault(practitioner_id, set()).add(treatment_id)
    treatments: Any = connection.execute(
        select(
            Treatment.id,
            Treatment.slug,
            Treatment.name_en,
            Treatment.name_fr,
            Treatment.minutes,
            Treatment.buffer_minutes,
            Treatment.kind,
            Treatment.named_so_on_purpose,
            Treatment.needs_clearance,
            Treatment.online,
            Treatment.spacing_group_id,
            SpacingGroup.slug.label("spacing_group"),
            SpacingGroup.min_days,
        )
        .join(SpacingGroup, SpacingGroup.id == Treatment.spacing_group_id, isouter=True)
        .order_by(Treatment.position, Treatment.id)
    )
    practitioners = connection.execute(
        select(
            Practitioner.id,
            Practitioner.slug,
            Practitioner.given_name,
            Practitioner.family_name,
            Practitioner.can_needle,
        )
        .where(Practitioner.active)
        .order_by(Practitioner.position, Practitioner.id)
    )
    hours = connection.execute(
        select(
            WorkingHours.practitioner_id,
            WorkingHours.weekday,
            WorkingHours.opens,
            WorkingHours.closes,
            WorkingHours.valid_from,
            WorkingHours.valid_until,
        )
        .join(Practitioner, Practitioner.id == WorkingHours.practitioner_id)
        .where(Practitioner.active)
    )
    rooms = connection.execute(select(Room.id).where(Room.active).order_by(Room.position, Room.id))
    return Reference(
        version=version,
        treatments=tuple(_treatment(row) for row in treatments),
        practitioners=tuple(PractitionerInfo(*row, frozenset(does.get(row.id, ()))) for row in practitioners),
        rooms=tuple(rooms.scalars()),
        hours=tuple(WeeklyHours(*row) for row in hours),
    )


def _treatment(row: Any) -> TreatmentInfo:
    return TreatmentInfo(**{**row._mapping, "kind": TreatmentKind(row.kind)})


def _named(slug: str, things: "tuple[T, ...]") -> "T":
    for thing in things:
        if thing.slug == slug:
            return thing
    raise NotFound(slug)
