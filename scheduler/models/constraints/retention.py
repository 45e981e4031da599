"""Append-only with one exception: of a record that was blanked (retention_act) words may go, and nothing else changes.

Names and functions are those of the triggers without the exception, whose place these take.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, inspect

TABLE = "retention_act"


@dataclass(frozen=True, slots=True)
class AppendOnly:
    """`rule`: the trigger's name; `function`: PostgreSQL's; `column`: of the words, which become `blank`; `patient`: SQL for
    whose row it is."""

    table: str
    rule: str
    function: str
    column: str
    blank: str
    patient: str


_OF_VISIT = "(SELECT patient_id FROM appointment WHERE id = OLD.appointment_id)"
APPEND_ONLY = (
    AppendOnly("appointment_history", "history_is_append_only", "history_guard", "changed_why", "NULL", _OF_VISIT),
    AppendOnly("appointment_note", "notes_are_append_only", "notes_guard", "words", "''", _OF_VISIT),
    AppendOnly("audit_line", "audit_is_append_only", "audit_guard", "details", "''", "OLD.patient_id"),
)


def install_statements(connection: Connection) -> Iterator[str]:
    """After the triggers without the exception. The columns are those of this database, which may be an older one."""
    for one in APPEND_ONLY:
        if connection.dialect.name == "postgresql":
            yield _postgresql(one)
        else:
            columns = [str(column["name"]) for column in inspect(connection).get_columns(one.table)]
            yield f"DROP TRIGGER IF EXISTS {one.rule}_update"
            yield _sqlite(one, columns)


def _sqlite(one: AppendOnly, columns: list[str]) -> str:
    others = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in columns if name != one.column)
    return (
        f"CREATE TRIGGER {one.rule}_update BEFORE UPDATE ON {one.table} "
        f"WHEN {others} OR NEW.{one.column} IS NOT {one.blank} "
        f"OR NOT EXISTS (SELECT 1 FROM {TABLE} WHERE patient_id = {one.patient}) "
        f"BEGIN SELECT RAISE(ABORT, '{one.rule}'); END"
    )


def _postgresql(one: AppendOnly) -> str:
    return f"""
CREATE OR REPLACE FUNCTION {one.function}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.{one.column} IS NOT DISTINCT FROM {one.blank}
       AND to_jsonb(NEW) - '{one.column}' = to_jsonb(OLD) - '{one.column}'
       AND EXISTS (SELECT 1 FROM {TABLE} WHERE patient_id = {one.patient}) THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '{one.rule}' USING ERRCODE = '23514', CONSTRAINT = '{one.rule}';
END $$"""
