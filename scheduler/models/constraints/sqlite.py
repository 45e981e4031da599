"""The invariants for SQLite 3.38 or newer, by triggers. RAISE names the rule as PostgreSQL names its constraint."""

from collections.abc import Iterator

ACTIVE_NEW = "NEW.status IN ('held', 'booked', 'confirmed', 'arrived', 'completed')"
CHANGES = (
    "status, starts_local, zone, starts_at, ends_at, busy_until, minutes, buffer_minutes, practitioner_id, room_id, "
    "treatment_id, patient_id, spacing_group_id, spacing_days, counts_from_local, version, schedule_version"
)
INSTANT_SHAPE = "____-__-__ __:__:00.000000"  # what SQLAlchemy writes; text order is time order only for one shape

PRESENT = "SELECT name FROM sqlite_master WHERE type = 'trigger'"


def _double_booked(who: str, until: str) -> str:
    # Among rows that do not overlap, the one with the greatest start before NEW's end also has the greatest end:
    # one probe of the index decides.
    return f"""SELECT RAISE(ABORT, '{who}_not_double_booked') FROM (
      SELECT {until} AS until FROM appointment WHERE active = 1 AND origin <> 'elsewhere' AND {who}_id = NEW.{who}_id
        AND starts_at < NEW.{until} AND id IS NOT NEW.id ORDER BY starts_at DESC LIMIT 1)
      WHERE until > NEW.starts_at;"""


GUARDS = {
    "practitioner_not_double_booked": (
        f"{ACTIVE_NEW} AND NEW.origin <> 'elsewhere'",
        _double_booked("practitioner", "busy_until"),
    ),
    "room_not_double_booked": (f"{ACTIVE_NEW} AND NEW.origin <> 'elsewhere'", _double_booked("room", "busy_until")),
    "patient_not_double_booked": (
        f"{ACTIVE_NEW} AND NEW.origin <> 'elsewhere' AND NEW.patient_id IS NOT NULL",
        _double_booked("patient", "ends_at"),
    ),
    "treatment_spacing": (
        f"{ACTIVE_NEW} AND NEW.patient_id IS NOT NULL AND NEW.spacing_group_id IS NOT NULL",
        """SELECT RAISE(ABORT, 'treatment_spacing') WHERE EXISTS (SELECT 1 FROM appointment
      WHERE patient_id = NEW.patient_id AND active = 1 AND spacing_group_id = NEW.spacing_group_id AND id IS NOT NEW.id
        AND counts_from_local < strftime('%Y-%m-%d %H:%M:%S', NEW.counts_from_local, NEW.spacing_days || ' days') || '.000000'
        AND NEW.counts_from_local < strftime('%Y-%m-%d %H:%M:%S', counts_from_local, spacing_days || ' days') || '.000000');""",
    ),
    "visits_start_on_whole_minutes": (
        f"NEW.starts_local NOT LIKE '{INSTANT_SHAPE}' OR NEW.counts_from_local NOT LIKE '{INSTANT_SHAPE}' "
        f"OR NEW.starts_at NOT LIKE '{INSTANT_SHAPE}' OR NEW.ends_at NOT LIKE '{INSTANT_SHAPE}' "
        f"OR NEW.busy_until NOT LIKE '{INSTANT_SHAPE}'",
        "SELECT RAISE(ABORT, 'visits_start_on_whole_minutes');",
    ),
    "spacing_follows_treatment": (
        "NEW.status IN ('held', 'booked', 'confirmed', 'arrived') AND NEW.spacing_group_id IS NOT "
        "(SELECT spacing_group_id FROM treatment WHERE id = NEW.treatment_id)",
        "SELECT RAISE(ABORT, 'spacing_follows_treatment');",
    ),
}

AFTER_INSERT = """
    INSERT INTO appointment_history (appointment_id, version, changed_at, changed_by, changed_why,
      to_status, to_starts_local, to_practitioner_id, to_room_id, to_spacing_group_id)
    VALUES (NEW.id, NEW.version, NEW.changed_at, NEW.changed_by, NEW.changed_why,
      NEW.status, NEW.starts_local, NEW.practitioner_id, NEW.room_id, NEW.spacing_group_id);
    UPDATE practitioner SET calendar_version = calendar_version + 1 WHERE id = NEW.practitioner_id;
    UPDATE patient SET calendar_version = calendar_version + 1 WHERE id = NEW.patient_id;"""

AFTER_UPDATE = """
    INSERT INTO appointment_history (appointment_id, version, changed_at, changed_by, changed_why,
      from_status, to_status, from_starts_local, to_starts_local, from_practitioner_id, to_practitioner_id,
      from_room_id, to_room_id, from_spacing_group_id, to_spacing_group_id)
    VALUES (NEW.id, NEW.version, NEW.changed_at, NEW.changed_by, NEW.changed_why,
      OLD.status, NEW.status, OLD.starts_local, NEW.starts_local, OLD.practitioner_id, NEW.practitioner_id,
      OLD.room_id, NEW.room_id, OLD.spacing_group_id, NEW.spacing_group_id);
    UPDATE practitioner SET calendar_version = calendar_version + 1 WHERE id IN (NEW.practitioner_id, OLD.practitioner_id);
    UPDATE patient SET calendar_version = calendar_version + 1 WHERE id IN (NEW.patient_id, OLD.patient_id);
    UPDATE reminder SET status = 'superseded', settled_at = NEW.changed_at, reason =
        CASE WHEN NEW.status IN ('held', 'booked', 'confirmed') THEN 'moved' ELSE NEW.status END
      WHERE appointment_id = NEW.id AND status = 'planned'
        AND (NEW.schedule_version <> OLD.schedule_version OR NEW.status NOT IN ('held', 'booked', 'confirmed'));"""

DAYS_RULE = "SELECT RAISE(ABORT, 'spacing_days_of_group');"
DAYS_WRONG = "NEW.spacing_days IS NOT (SELECT min_days FROM spacing_group WHERE id = NEW.spacing_group_id)"
REFERENCE = "UPDATE calendar_state SET reference_version = reference_version + 1;"


def triggers(reference_tables: tuple[str, ...]) -> dict[str, str]:
    """Trigger name → what stands between its name and END."""
    found: dict[str, str] = {}
    for name, (when, body) in GUARDS.items():
        found[f"{name}_insert"] = f"BEFORE INSERT ON appointment WHEN {when} BEGIN {body}"
        found[f"{name}_update"] = f"BEFORE UPDATE OF {CHANGES} ON appointment WHEN {when} BEGIN {body}"
    found |= {
        "spacing_days_of_group_insert": f"BEFORE INSERT ON appointment WHEN {DAYS_WRONG} BEGIN {DAYS_RULE}",
        "spacing_days_of_group_update": "BEFORE UPDATE OF spacing_group_id, spacing_days ON appointment WHEN "
        "(NEW.spacing_days IS NOT OLD.spacing_days OR NEW.spacing_group_id IS NOT OLD.spacing_group_id) "
        f"AND {DAYS_WRONG} BEGIN {DAYS_RULE}",
        "appointment_version_rises_insert": "BEFORE INSERT ON appointment WHEN NEW.version <> 1 BEGIN "
        "SELECT RAISE(ABORT, 'appointment_version_rises');",
        "appointment_version_rises_update": f"BEFORE UPDATE OF {CHANGES} ON appointment "
        "WHEN NEW.version <> OLD.version + 1 BEGIN SELECT RAISE(ABORT, 'appointment_version_rises');",
        "appointment_schedule_version_rises": "BEFORE UPDATE OF starts_local, practitioner_id ON appointment "
        "WHEN (NEW.starts_local IS NOT OLD.starts_local OR NEW.practitioner_id IS NOT OLD.practitioner_id) "
        "AND NEW.schedule_version <> NEW.version BEGIN SELECT RAISE(ABORT, 'appointment_schedule_version_rises');",
        "appointment_inserted": f"AFTER INSERT ON appointment BEGIN {AFTER_INSERT}",
        "appointment_updated": f"AFTER UPDATE OF {CHANGES} ON appointment BEGIN {AFTER_UPDATE}",
    }
    wrong_version = "NEW.version IS NOT (SELECT schedule_version FROM appointment WHERE id = NEW.appointment_id)"
    stale = "SELECT RAISE(ABORT, 'reminder_of_current_version');"
    append_only = "SELECT RAISE(ABORT, 'history_is_append_only');"
    found |= {
        "reminder_of_current_version_insert": f"BEFORE INSERT ON reminder WHEN {wrong_version} BEGIN {stale}",
        "reminder_of_current_version_update": "BEFORE UPDATE OF appointment_id, version ON reminder "
        f"WHEN {wrong_version} BEGIN {stale}",
        "history_is_append_only_update": f"BEFORE UPDATE ON appointment_history BEGIN {append_only}",
        "history_is_append_only_delete": f"BEFORE DELETE ON appointment_history BEGIN {append_only}",
        "practitioner_reference_changed_insert": f"AFTER INSERT ON practitioner BEGIN {REFERENCE}",
        "practitioner_reference_changed_delete": f"AFTER DELETE ON practitioner BEGIN {REFERENCE}",
        "practitioner_reference_changed_update": "AFTER UPDATE OF slug, given_name, family_name, can_needle, active, "
        f"position ON practitioner BEGIN {REFERENCE}",
    }
    for table in reference_tables:
        for event in ("insert", "update", "delete"):
            found[f"{table}_reference_changed_{event}"] = f"AFTER {event.upper()} ON {table} BEGIN {REFERENCE}"
    return found


def names(reference_tables: tuple[str, ...]) -> list[str]:
    return list(triggers(reference_tables))


def install_statements(reference_tables: tuple[str, ...]) -> Iterator[str]:
    for name, rest in triggers(reference_tables).items():
        yield f"DROP TRIGGER IF EXISTS {name}"
        yield f"CREATE TRIGGER {name} {rest} END"


def remove_statements(reference_tables: tuple[str, ...]) -> Iterator[str]:
    for name in triggers(reference_tables):
        yield f"DROP TRIGGER IF EXISTS {name}"
