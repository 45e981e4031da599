"""The invariants for PostgreSQL 13 or newer: exclusion constraints, and triggers for the rest."""

from collections.abc import Iterator

EXCLUSIONS = {
    "practitioner_not_double_booked": "(practitioner_id WITH =, tstzrange(starts_at, busy_until) WITH &&) "
    "WHERE (active AND origin <> 'elsewhere')",
    "room_not_double_booked": "(room_id WITH =, tstzrange(starts_at, busy_until) WITH &&) "
    "WHERE (active AND origin <> 'elsewhere')",
    "patient_not_double_booked": "(patient_id WITH =, tstzrange(starts_at, ends_at) WITH &&) "
    "WHERE (active AND origin <> 'elsewhere')",
    # Naive local time: timestamptz + interval is not immutable, and the promise is one of the wall clock.
    "treatment_spacing": "(patient_id WITH =, spacing_group_id WITH =, "
    "tsrange(counts_from_local, counts_from_local + spacing_days * interval '1 day') WITH &&) "
    "WHERE (active AND spacing_group_id IS NOT NULL)",
}
WHOLE_MINUTES = "visits_start_on_whole_minutes"

REFUSE = "RAISE EXCEPTION '%s' USING ERRCODE = '23514', CONSTRAINT = '%s'"


def _refuse(name: str) -> str:
    return REFUSE % (name, name)


GUARD = f"""
CREATE OR REPLACE FUNCTION appointment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status IN ('held', 'booked', 'confirmed', 'arrived') AND NEW.spacing_group_id IS DISTINCT FROM
     (SELECT spacing_group_id FROM treatment WHERE id = NEW.treatment_id FOR SHARE) THEN
    {_refuse("spacing_follows_treatment")};
  END IF;
  IF TG_OP = 'INSERT' OR NEW.spacing_group_id IS DISTINCT FROM OLD.spacing_group_id
     OR NEW.spacing_days IS DISTINCT FROM OLD.spacing_days THEN
    IF NEW.spacing_days IS DISTINCT FROM (SELECT min_days FROM spacing_group WHERE id = NEW.spacing_group_id) THEN
      {_refuse("spacing_days_of_group")};
    END IF;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    IF NEW.version <> OLD.version + 1 THEN
      {_refuse("appointment_version_rises")};
    END IF;
    IF (NEW.starts_local, NEW.practitioner_id) IS DISTINCT FROM (OLD.starts_local, OLD.practitioner_id)
       AND NEW.schedule_version <> NEW.version THEN
      {_refuse("appointment_schedule_version_rises")};
    END IF;
  ELSIF NEW.version <> 1 THEN
    {_refuse("appointment_version_rises")};
  END IF;
  RETURN NEW;
END $$"""

# Once a statement: a row that is updated thousands of times in one transaction takes longer each time, and an import
# would hold its practitioners from the first visit on.
AFTER_INSERT = """
CREATE OR REPLACE FUNCTION appointments_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO appointment_history (appointment_id, version, changed_at, changed_by, changed_why,
    to_status, to_starts_local, to_practitioner_id, to_room_id, to_spacing_group_id)
  SELECT id, version, changed_at, changed_by, changed_why, status, starts_local, practitioner_id, room_id, spacing_group_id
  FROM fresh;
  UPDATE practitioner SET calendar_version = calendar_version + 1 WHERE id IN (SELECT practitioner_id FROM fresh);
  UPDATE patient SET calendar_version = calendar_version + 1 WHERE id IN (SELECT patient_id FROM fresh);
  RETURN NULL;
END $$"""

AFTER = """
CREATE OR REPLACE FUNCTION appointment_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO appointment_history (appointment_id, version, changed_at, changed_by, changed_why,
    from_status, to_status, from_starts_local, to_starts_local, from_practitioner_id, to_practitioner_id,
    from_room_id, to_room_id, from_spacing_group_id, to_spacing_group_id)
  VALUES (NEW.id, NEW.version, NEW.changed_at, NEW.changed_by, NEW.changed_why,
    OLD.status, NEW.status, OLD.starts_local, NEW.starts_local, OLD.practitioner_id, NEW.practitioner_id,
    OLD.room_id, NEW.room_id, OLD.spacing_group_id, NEW.spacing_group_id);
  UPDATE practitioner SET calendar_version = calendar_version + 1
    WHERE id IN (NEW.practitioner_id, OLD.practitioner_id);
  UPDATE patient SET calendar_version = calendar_version + 1 WHERE id IN (NEW.patient_id, OLD.patient_id);
  IF NEW.schedule_version <> OLD.schedule_version OR NEW.status NOT IN ('held', 'booked', 'confirmed') THEN
    UPDATE reminder SET status = 'superseded', settled_at = NEW.changed_at, reason =
        CASE WHEN NEW.status IN ('held', 'booked', 'confirmed') THEN 'moved' ELSE NEW.status END
      WHERE appointment_id = NEW.id AND status = 'planned';
  END IF;
  RETURN NULL;
END $$"""

REMINDER_GUARD = f"""
CREATE OR REPLACE FUNCTION reminder_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.version IS DISTINCT FROM (SELECT schedule_version FROM appointment WHERE id = NEW.appointment_id) THEN
    {_refuse("reminder_of_current_version")};
  END IF;
  RETURN NEW;
END $$"""

APPEND_ONLY = f"""
CREATE OR REPLACE FUNCTION history_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  {_refuse("history_is_append_only")};
END $$"""

REFERENCE = """
CREATE OR REPLACE FUNCTION reference_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE calendar_state SET reference_version = reference_version + 1;
  RETURN NULL;
END $$"""

FUNCTIONS = {
    "appointment_guard": GUARD,
    "appointment_changed": AFTER,
    "appointments_inserted": AFTER_INSERT,
    "reminder_guard": REMINDER_GUARD,
    "history_guard": APPEND_ONLY,
    "reference_changed": REFERENCE,
}

MATERIAL = (
    "status, starts_local, zone, starts_at, ends_at, busy_until, minutes, buffer_minutes, practitioner_id, room_id, "
    "treatment_id, patient_id, spacing_group_id, spacing_days, counts_from_local, version, schedule_version"
)

PRESENT = (
    "SELECT conname FROM pg_constraint WHERE conrelid = 'appointment'::regclass "
    "UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
)


def triggers(reference_tables: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """Trigger name → (table, when and what)."""
    found = {
        "appointment_guard": (
            "appointment",
            f"BEFORE INSERT OR UPDATE OF {MATERIAL} ON appointment FOR EACH ROW EXECUTE FUNCTION appointment_guard()",
        ),
        "appointment_changed": (
            "appointment",
            f"AFTER UPDATE OF {MATERIAL} ON appointment FOR EACH ROW EXECUTE FUNCTION appointment_changed()",
        ),
        "appointments_inserted": (
            "appointment",
            "AFTER INSERT ON appointment REFERENCING NEW TABLE AS fresh "
            "FOR EACH STATEMENT EXECUTE FUNCTION appointments_inserted()",
        ),
        "reminder_of_current_version": (
            "reminder",
            "BEFORE INSERT OR UPDATE OF appointment_id, version ON reminder FOR EACH ROW EXECUTE FUNCTION reminder_guard()",
        ),
        "history_is_append_only": (
            "appointment_history",
            "BEFORE UPDATE OR DELETE ON appointment_history FOR EACH ROW EXECUTE FUNCTION history_guard()",
        ),
        "history_is_not_truncated": (
            "appointment_history",
            "BEFORE TRUNCATE ON appointment_history FOR EACH STATEMENT EXECUTE FUNCTION history_guard()",
        ),
        "practitioner_reference_changed": (
            "practitioner",
            "AFTER INSERT OR DELETE OR UPDATE OF slug, given_name, family_name, can_needle, active, position "
            "ON practitioner FOR EACH STATEMENT EXECUTE FUNCTION reference_changed()",
        ),
    }
    for table in reference_tables:
        found[f"{table}_reference_changed"] = (
            table,
            f"AFTER INSERT OR DELETE OR UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION reference_changed()",
        )
    return found


def names(reference_tables: tuple[str, ...]) -> list[str]:
    return [*EXCLUSIONS, WHOLE_MINUTES, *triggers(reference_tables)]


def install_statements(reference_tables: tuple[str, ...]) -> Iterator[str]:
    yield "CREATE EXTENSION IF NOT EXISTS btree_gist"
    for name, rule in EXCLUSIONS.items():
        yield f"ALTER TABLE appointment DROP CONSTRAINT IF EXISTS {name}"
        yield f"ALTER TABLE appointment ADD CONSTRAINT {name} EXCLUDE USING gist {rule}"
    yield f"ALTER TABLE appointment DROP CONSTRAINT IF EXISTS {WHOLE_MINUTES}"
    yield (
        f"ALTER TABLE appointment ADD CONSTRAINT {WHOLE_MINUTES} CHECK (date_trunc('minute', starts_local) = "
        "starts_local AND date_trunc('minute', counts_from_local) = counts_from_local)"
    )
    yield from FUNCTIONS.values()
    for name, (table, rest) in triggers(reference_tables).items():
        yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
        yield f"CREATE TRIGGER {name} {rest}"


def remove_statements(reference_tables: tuple[str, ...]) -> Iterator[str]:
    for name, (table, _rest) in triggers(reference_tables).items():
        yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
    for name in (*EXCLUSIONS, WHOLE_MINUTES):
        yield f"ALTER TABLE appointment DROP CONSTRAINT IF EXISTS {name}"
    for function in FUNCTIONS:
        yield f"DROP FUNCTION IF EXISTS {function}()"
