"""Loading a clinic of up to a million appointments in a minute: past the triggers, but not past the rules.

Appointments come with what the product would have written beside them: their history line and their reminders. The
constraints are taken off and put back; PostgreSQL then checks every row against its exclusion constraints, and the
same rows go into SQLite.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from benchmarks.clinics import BUFFER, CLINIC, FORMER, MIN_DAYS, MINUTES, PRACTITIONERS, Size, Visit, coming, past
from scheduler.models.constraints import install, remove
from scheduler.models.engine import without_transactions
from tests.factories import make_clinic

MADE = "2015-01-02 12:00:00.000000"
BATCH = 20_000
PATIENT_COLUMNS = "id, public_id, given_name, family_name, birth_date, phone_account_id, language, cleared_for_ims_at, cleared_by, feed_token, calendar_version, created_at"
APPOINTMENT_COLUMNS = (
    "id, public_id, patient_id, practitioner_id, room_id, treatment_id, origin, status, starts_local, zone, minutes, "
    "buffer_minutes, starts_at, ends_at, busy_until, spacing_group_id, spacing_days, counts_from_local, time_known, "
    "version, schedule_version, created_at, changed_at, changed_by"
)
HISTORY_COLUMNS = "appointment_id, version, changed_at, changed_by, to_status, to_starts_local, to_practitioner_id, to_room_id, to_spacing_group_id"
REMINDER_COLUMNS = "appointment_id, version, kind, due_at, next_attempt_at, attempts, status"
Row = tuple[object, ...]


def load(engine: Engine, size: Size, today: date, kind: str) -> None:
    """A migrated, empty database becomes a clinic of this size."""
    with Session(engine) as session:
        make_clinic(session, practitioners=PRACTITIONERS + FORMER, rooms=PRACTITIONERS + FORMER)
        for table in ("practitioner", "room"):
            session.execute(
                text(f"UPDATE {table} SET active = :no WHERE id > :last"), {"no": False, "last": PRACTITIONERS}
            )
        session.commit()
    with engine.connect().execution_options(writing=True) as connection:
        remove(connection)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # foreign keys are triggers too
            connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
        _insert(connection, "phone_account", "id, number, language, verified_at, created_at", _accounts(size))
        _insert(connection, "patient", PATIENT_COLUMNS, _patients(size))
        _insert_visits(connection, past(size, today))
        _insert_visits(connection, coming(size, today, kind))
        install(connection)
        _finish(connection)


def replace_coming(engine: Engine, size: Size, today: date, kind: str) -> None:
    """Other coming visits for the same past."""
    with engine.connect().execution_options(writing=True) as connection:
        if connection.dialect.name == "postgresql":
            # No trigger fires in this transaction; exclusion constraints still check (their indexes take minutes to make).
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        else:
            remove(connection)
        for table, column in (
            ("reminder", "appointment_id"),
            ("appointment_history", "appointment_id"),
            ("appointment", "id"),
        ):
            connection.execute(text(f"DELETE FROM {table} WHERE {column} > :past"), {"past": size.past})
        _insert_visits(connection, coming(size, today, kind))
        connection.execute(text("UPDATE practitioner SET calendar_version = calendar_version + 1"))
        if connection.dialect.name == "sqlite":
            install(connection)
        _finish(connection)


def _finish(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        for table in ("phone_account", "patient", "appointment"):  # their ids were given
            connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
    connection.commit()
    with without_transactions(connection.engine).connect() as plain:
        plain.exec_driver_sql("VACUUM ANALYZE" if connection.dialect.name == "postgresql" else "ANALYZE")
        if connection.dialect.name == "sqlite":
            plain.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _accounts(size: Size) -> Iterator[Row]:
    for number in range(1, size.patients + 1):
        yield number, f"+1{200 + number // 10_000}555{number % 10_000:04}", "en", MADE, MADE


def _patients(size: Size) -> Iterator[Row]:
    for n in range(1, size.patients + 1):
        yield (
            n,
            f"patient-{n:08}",
            "Amélie",
            f"Lévesque {n}",
            "1986-03-14",
            n,
            "en",
            MADE,
            "staff:demo",
            f"feed-{n:019}",
            1,
            MADE,
        )


def _insert_visits(connection: Connection, visits: Iterable[Visit]) -> None:
    batch: list[Visit] = []
    for visit in visits:
        batch.append(visit)
        if len(batch) == BATCH:
            _insert_batch(connection, batch)
            batch = []
    _insert_batch(connection, batch)


def _insert_batch(connection: Connection, visits: list[Visit]) -> None:
    _insert(connection, "appointment", APPOINTMENT_COLUMNS, map(_appointment, visits))
    _insert(connection, "appointment_history", HISTORY_COLUMNS, map(_history, visits))
    _insert(connection, "reminder", REMINDER_COLUMNS, (row for visit in visits for row in _reminders(visit)))


def _appointment(visit: Visit) -> Row:
    local = _text(visit.starts_local)
    # Spread over all ids there can be, as random ones are, and the same in every run.
    public_id = f"visit-{visit.id * 2_654_435_761 % 2**32:08x}"
    return (
        *(visit.id, public_id, visit.patient_id, visit.practitioner_id, visit.practitioner_id, 2),
        *("online", visit.status, local, CLINIC.zone, MINUTES, BUFFER),
        _text(visit.starts_at),
        _text(visit.starts_at + timedelta(minutes=MINUTES)),
        _text(visit.starts_at + timedelta(minutes=MINUTES + BUFFER)),
        *(1, MIN_DAYS, local, True, 1, 1, MADE, MADE, "patient:1"),
    )


def _history(visit: Visit) -> Row:
    return (
        visit.id,
        1,
        MADE,
        "patient:1",
        visit.status,
        _text(visit.starts_local),
        visit.practitioner_id,
        visit.practitioner_id,
        1,
    )


def _reminders(visit: Visit) -> Iterator[Row]:
    status = "planned" if visit.status == "booked" else "sent"
    for days in (3, 1):
        due = _text(visit.starts_at - timedelta(days=days))
        yield visit.id, 1, f"days_before_{days}", due, due, 0, status


def _text(moment: datetime) -> str:
    return moment.isoformat(" ", "microseconds")


def _insert(connection: Connection, table: str, columns: str, rows: Iterable[Row]) -> None:
    raw = connection.connection.dbapi_connection
    assert raw is not None
    if connection.dialect.name == "sqlite":
        places = ", ".join("?" * (columns.count(",") + 1))
        raw.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)
        return
    with closing(raw.cursor()) as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        lines = ["\t".join(map(str, row)) for row in rows]
        copy.write("".join(line + "\n" for line in lines))
