"""Triggers on tables that came after the first migration. Each lot goes in once its tables are there."""

from sqlalchemy import Connection, inspect

from scheduler.models.constraints import retention
from scheduler.models.constraints.ims import IMS_BY_WHO_MAY_NEEDLE, IMS_ONLY_FOR_CLEARED
from scheduler.models.constraints.ims_given import IMS_ANSWERS, IMS_GIVEN
from scheduler.models.constraints.lot import Lot

_PLACES = ", ".join(f"({place})" for place in range(2, 15))  # after the plus; three digits at least are left
_SQLITE_ENDINGS = (
    "INSERT INTO phone_number_ending (phone_account_id, digits) "
    f"SELECT NEW.id, substr(NEW.number, column1) FROM (VALUES {_PLACES}) WHERE column1 + 2 <= length(NEW.number);"
)
_FORGET = "DELETE FROM phone_number_ending WHERE phone_account_id = NEW.id;"

PHONE_NUMBER_ENDINGS = Lot(
    table="phone_number_ending",
    sqlite={
        "phone_number_endings_insert": f"AFTER INSERT ON phone_account BEGIN {_SQLITE_ENDINGS}",
        "phone_number_endings_update": f"AFTER UPDATE OF number ON phone_account BEGIN {_FORGET} {_SQLITE_ENDINGS}",
    },
    postgresql={
        "phone_number_endings": (
            "phone_account",
            "AFTER INSERT OR UPDATE OF number ON phone_account FOR EACH ROW EXECUTE FUNCTION phone_number_endings()",
        )
    },
    functions={
        "phone_number_endings": f"""
CREATE OR REPLACE FUNCTION phone_number_endings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  {_FORGET}
  INSERT INTO phone_number_ending (phone_account_id, digits)
    SELECT NEW.id, substr(NEW.number, place) FROM generate_series(2, length(NEW.number) - 2) AS place;
  RETURN NULL;
END $$"""
    },
)


def _append_only(
    table: str, rule: str, guard: str, *, but_delete: str | None = None, not_truncated: str | None = None
) -> Lot:
    """`rule`: what a change violates; `guard`: PostgreSQL's function; `but_delete`: SQL for rows that may be deleted;
    `not_truncated`: the trigger that holds TRUNCATE off as well, which SQLite does not know.

    What a record's retention may blank all the same: retention.py.
    """
    lets_go = "" if but_delete is None else f" WHEN NOT ({but_delete})"
    returns = "" if but_delete is None else f"  IF TG_OP = 'DELETE' AND {but_delete} THEN\n    RETURN OLD;\n  END IF;\n"
    truncate = f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {guard}()"
    return Lot(
        table=table,
        sqlite={
            f"{rule}_{event.lower()}": f"BEFORE {event} ON {table}{unless} BEGIN SELECT RAISE(ABORT, '{rule}');"
            for event, unless in (("UPDATE", ""), ("DELETE", lets_go))
        },
        postgresql={
            rule: (table, f"BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {guard}()"),
            **({not_truncated: (table, truncate)} if not_truncated else {}),
        },
        functions={
            guard: f"""
CREATE OR REPLACE FUNCTION {guard}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
{returns}  RAISE EXCEPTION '{rule}' USING ERRCODE = '23514', CONSTRAINT = '{rule}';
END $$"""
        },
    )


AUDIT_APPEND_ONLY = _append_only(
    "audit_line", "audit_is_append_only", "audit_guard", not_truncated="audit_is_not_truncated"
)
NOTES_APPEND_ONLY = _append_only("appointment_note", "notes_are_append_only", "notes_guard")
BREACHES_APPEND_ONLY = _append_only("breach", "breaches_are_append_only", "breach_guard")
TEXT_AGREEMENTS_APPEND_ONLY = _append_only(
    "text_agreement",
    "text_agreements_are_append_only",
    "text_agreement_guard",
    but_delete="OLD.how = 'import'",  # an import is taken back as a whole
)


def _raises_reference_version(table: str) -> Lot:
    """So that every process reads it anew (scheduler/serving/live_settings.py)."""
    changed = f"{table}_reference_changed"
    return Lot(
        table=table,
        sqlite={
            f"{changed}_{event.lower()}": f"AFTER {event} ON {table} BEGIN "
            "UPDATE calendar_state SET reference_version = reference_version + 1;"
            for event in ("INSERT", "UPDATE", "DELETE")
        },
        postgresql={
            changed: (
                table,
                f"AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION reference_changed()",
            )
        },
    )


SETTING_CHANGED = _raises_reference_version("setting")
SMS_TEXT_CHANGED = _raises_reference_version("sms_text")

# What a card of the desk's calendar shows and no version of an appointment tells: name of the trigger → table, when.
# A new patient or an answer without a yes is on no card yet, and nobody waits for the row that all of these change.
_CARD = "UPDATE card_state SET version = version + 1;"
_CARD_TRIGGERS = {
    "patient_on_card": (
        "patient",
        "AFTER UPDATE OF given_name, family_name, birth_date ON patient",
        "(OLD.given_name, OLD.family_name, OLD.birth_date) {differs} (NEW.given_name, NEW.family_name, NEW.birth_date)",
    ),
    "screening_on_card_insert": ("screening", "AFTER INSERT ON screening", "NEW.flagged"),
    "screening_on_card_update": (
        "screening",
        "AFTER UPDATE OF flagged, appointment_id ON screening",
        "OLD.flagged OR NEW.flagged",
    ),
    "reminder_on_card_insert": ("reminder", "AFTER INSERT ON reminder", "NEW.status = 'failed'"),
    "reminder_on_card_update": (
        "reminder",
        "AFTER UPDATE OF status ON reminder",
        "(OLD.status = 'failed') <> (NEW.status = 'failed')",
    ),
    "note_on_card": ("appointment_note", "AFTER INSERT ON appointment_note", "true"),
}
CARD_CHANGED = Lot(
    table="card_state",
    sqlite={
        name: f"{event} WHEN {when.format(differs='IS NOT')} BEGIN {_CARD}"
        for name, (_table, event, when) in _CARD_TRIGGERS.items()
    },
    postgresql={
        name: (
            table,
            f"{event} FOR EACH ROW WHEN ({when.format(differs='IS DISTINCT FROM')}) EXECUTE FUNCTION card_changed()",
        )
        for name, (table, event, when) in _CARD_TRIGGERS.items()
    },
    functions={
        "card_changed": f"""
CREATE OR REPLACE FUNCTION card_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  {_CARD}
  RETURN NULL;
END $$"""
    },
)

_MERGED = "merged_patient_has_no_visits"
_IS_MERGED = "EXISTS (SELECT 1 FROM patient_merge WHERE merged_patient_id = NEW.patient_id)"
_HAS_VISITS = "EXISTS (SELECT 1 FROM appointment WHERE patient_id = NEW.merged_patient_id)"
_NO_MERGED = f"SELECT RAISE(ABORT, '{_MERGED}');"
MERGED_WITHOUT_VISITS = Lot(
    table="patient_merge",
    sqlite={
        f"{_MERGED}_insert": f"BEFORE INSERT ON appointment WHEN {_IS_MERGED} BEGIN {_NO_MERGED}",
        f"{_MERGED}_update": f"BEFORE UPDATE OF patient_id ON appointment WHEN {_IS_MERGED} BEGIN {_NO_MERGED}",
        f"{_MERGED}_merge": f"BEFORE INSERT ON patient_merge WHEN {_HAS_VISITS} BEGIN {_NO_MERGED}",
    },
    postgresql={
        f"{_MERGED}_appointment": (
            "appointment",
            "BEFORE INSERT OR UPDATE OF patient_id ON appointment FOR EACH ROW EXECUTE FUNCTION merged_guard()",
        ),
        f"{_MERGED}_merge": (
            "patient_merge",
            "BEFORE INSERT ON patient_merge FOR EACH ROW EXECUTE FUNCTION merged_guard()",
        ),
    },
    functions={
        "merged_guard": f"""
CREATE OR REPLACE FUNCTION merged_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE refused boolean;
BEGIN
  IF TG_TABLE_NAME = 'appointment' THEN
    refused := {_IS_MERGED};
  ELSE
    refused := {_HAS_VISITS};
  END IF;
  IF refused THEN
    RAISE EXCEPTION '{_MERGED}' USING ERRCODE = '23514', CONSTRAINT = '{_MERGED}';
  END IF;
  RETURN NEW;
END $$"""
    },
)

LOTS = (
    PHONE_NUMBER_ENDINGS,
    AUDIT_APPEND_ONLY,
    NOTES_APPEND_ONLY,
    BREACHES_APPEND_ONLY,
    TEXT_AGREEMENTS_APPEND_ONLY,
    SETTING_CHANGED,
    SMS_TEXT_CHANGED,
    CARD_CHANGED,
    MERGED_WITHOUT_VISITS,
    IMS_BY_WHO_MAY_NEEDLE,
    IMS_GIVEN,
    IMS_ANSWERS,
    IMS_ONLY_FOR_CLEARED,
)


def install(connection: Connection) -> None:
    for lot in _possible(connection):
        for statement in lot.install_statements(connection.dialect.name):
            connection.exec_driver_sql(statement)
    if inspect(connection).has_table(retention.TABLE):
        for statement in retention.install_statements(connection):
            connection.exec_driver_sql(statement)


def remove(connection: Connection) -> None:
    for lot in _possible(connection):
        for statement in lot.remove_statements(connection.dialect.name):
            connection.exec_driver_sql(statement)


def names(dialect: str) -> set[str]:
    return {name for lot in LOTS for name in lot.names(dialect)}


def _possible(connection: Connection) -> list[Lot]:
    present = set(inspect(connection).get_table_names())
    return [lot for lot in LOTS if lot.table in present]
