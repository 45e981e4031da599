"""The invariants of ARCHITECTURE.md that no column or CHECK can hold, as named constraints and triggers of each engine.

`install` is idempotent and ends every migration (SQLite's batch_alter_table drops triggers without a word);
`missing` is the start-up check. A refusal by any of them reaches us as an IntegrityError that `violated` names.
"""

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from scheduler.models.constraints import later, postgresql, sqlite

REFERENCE_TABLES = (
    "spacing_group",
    "treatment",
    "room",
    "practitioner_treatment",
    "working_hours",
    "time_off",
    "closure",
)  # practitioner as well, but not for its calendar_version


def install(connection: Connection) -> None:
    """Put every trigger and exclusion constraint in place; those there already are made anew."""
    for statement in _dialect(connection).install_statements(REFERENCE_TABLES):
        connection.exec_driver_sql(statement)  # not text(): ':00' would look like a bind
    later.install(connection)


def remove(connection: Connection) -> None:
    later.remove(connection)
    for statement in _dialect(connection).remove_statements(REFERENCE_TABLES):
        connection.exec_driver_sql(statement)


def missing(connection: Connection) -> set[str]:
    """Names of the triggers and constraints that should be in this database and are not."""
    dialect = _dialect(connection)
    present = set(connection.exec_driver_sql(dialect.PRESENT).scalars())
    wanted = set(dialect.names(REFERENCE_TABLES)) | later.names(connection.dialect.name)
    return wanted - present


def violated(error: IntegrityError) -> str | None:
    """The name of the constraint that refused, the same on both engines; None when it has none (a foreign key of SQLite)."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return str(diagnosis.constraint_name) if diagnosis.constraint_name else None
    text = str(error.orig)
    for prefix in ("CHECK constraint failed: ", "UNIQUE constraint failed: "):
        text = text.removeprefix(prefix)
    return text or None


def _dialect(connection: Connection):  # type: ignore[no-untyped-def]  # one of two modules with the same three names
    return postgresql if connection.dialect.name == "postgresql" else sqlite
