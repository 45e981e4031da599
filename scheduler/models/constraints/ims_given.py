"""Whether IMS was given: what the database itself holds of it (ARCHITECTURE.md, invariant 11).

An answer belongs to a visit that is completed. "Not given" never counts in a group of needling. "Given" counts, or stands
beside another visit of the patient that is too near. Each answer is kept in a table of its own that nobody changes.
"""

from scheduler.models.constraints.lot import Lot

_BESIDE_SQLITE = """EXISTS (SELECT 1 FROM appointment AS beside JOIN spacing_group ON spacing_group.needling
      WHERE beside.patient_id = NEW.patient_id AND beside.id <> NEW.id AND beside.active = 1
        AND (beside.ims_given = 1 OR beside.spacing_group_id = spacing_group.id)
        AND beside.counts_from_local > strftime('%Y-%m-%d %H:%M:%S', NEW.counts_from_local, -spacing_group.min_days || ' days') || '.000000'
        AND beside.counts_from_local < strftime('%Y-%m-%d %H:%M:%S', NEW.counts_from_local, spacing_group.min_days || ' days') || '.000000')"""
_BESIDE_POSTGRESQL = """EXISTS (SELECT 1 FROM appointment AS beside JOIN spacing_group ON spacing_group.needling
      WHERE beside.patient_id = NEW.patient_id AND beside.id <> NEW.id AND beside.active
        AND (beside.ims_given OR beside.spacing_group_id = spacing_group.id)
        AND beside.counts_from_local > NEW.counts_from_local - spacing_group.min_days * interval '1 day'
        AND beside.counts_from_local < NEW.counts_from_local + spacing_group.min_days * interval '1 day')"""
_NEEDLING = "EXISTS (SELECT 1 FROM spacing_group WHERE id = NEW.spacing_group_id AND needling)"
_COMPLETED, _OPEN = "ims_given_when_completed", "ims_open_until_answered"
_NOT_GIVEN, _COUNTS = "ims_not_given_does_not_count", "ims_given_counts"
_VERSION = "appointment_version_rises"

# Name of the rule → when a row breaks it.
_BREAKS = {
    _COMPLETED: "(NEW.ims_given IS NOT NULL OR NEW.ims_open) AND NEW.status <> 'completed'",
    _OPEN: "NEW.ims_open AND NEW.ims_given IS NOT NULL",
    _NOT_GIVEN: f"NEW.ims_given IS FALSE AND {_NEEDLING}",
}
_WATCHED = "ims_given, ims_open, status, spacing_group_id"
_ANSWERED = "INSERT INTO ims_answer (appointment_id, version, given_before, given)"


def _sqlite() -> dict[str, str]:
    found = {}
    for name, when in _BREAKS.items():
        refuse = f"SELECT RAISE(ABORT, '{name}');"
        found[f"{name}_insert"] = f"BEFORE INSERT ON appointment WHEN {when} BEGIN {refuse}"
        found[f"{name}_update"] = f"BEFORE UPDATE OF {_WATCHED} ON appointment WHEN {when} BEGIN {refuse}"
    found[f"{_COUNTS}_update"] = (
        "BEFORE UPDATE OF ims_given ON appointment WHEN NEW.ims_given AND OLD.ims_given IS NOT TRUE "
        f"AND NEW.spacing_group_id IS NULL AND NOT {_BESIDE_SQLITE} BEGIN SELECT RAISE(ABORT, '{_COUNTS}');"
    )
    found["ims_answer_raises_version"] = (
        "BEFORE UPDATE OF ims_given, ims_open ON appointment WHEN (NEW.ims_given IS NOT OLD.ims_given "
        f"OR NEW.ims_open IS NOT OLD.ims_open) AND NEW.version <> OLD.version + 1 BEGIN SELECT RAISE(ABORT, '{_VERSION}');"
    )
    found["ims_answer_written_insert"] = (
        "AFTER INSERT ON appointment WHEN NEW.ims_given IS NOT NULL BEGIN "
        f"{_ANSWERED} VALUES (NEW.id, NEW.version, NULL, NEW.ims_given);"
    )
    found["ims_answer_written_update"] = (
        "AFTER UPDATE OF ims_given ON appointment WHEN NEW.ims_given IS NOT OLD.ims_given BEGIN "
        f"{_ANSWERED} VALUES (NEW.id, NEW.version, OLD.ims_given, NEW.ims_given);"
    )
    return found


def _raise(name: str) -> str:
    return f"RAISE EXCEPTION '{name}' USING ERRCODE = '23514', CONSTRAINT = '{name}';"


_GUARD = f"""
CREATE OR REPLACE FUNCTION ims_given_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  {"".join(f"IF {when} THEN {_raise(name)} END IF; " for name, when in _BREAKS.items())}
  IF TG_OP = 'UPDATE' THEN
    IF NEW.ims_given AND OLD.ims_given IS NOT TRUE AND NEW.spacing_group_id IS NULL AND NOT {_BESIDE_POSTGRESQL} THEN {_raise(_COUNTS)} END IF;
    IF (NEW.ims_given, NEW.ims_open) IS DISTINCT FROM (OLD.ims_given, OLD.ims_open)
       AND NEW.version <> OLD.version + 1 THEN {_raise(_VERSION)} END IF;
  END IF;
  RETURN NEW;
END $$"""

_WRITTEN = f"""
CREATE OR REPLACE FUNCTION ims_answer_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    {_ANSWERED} VALUES (NEW.id, NEW.version, NULL, NEW.ims_given);
  ELSE
    {_ANSWERED} VALUES (NEW.id, NEW.version, OLD.ims_given, NEW.ims_given);
  END IF;
  RETURN NULL;
END $$"""

IMS_GIVEN = Lot(
    table="ims_answer",
    sqlite=_sqlite(),
    postgresql={
        "ims_given_guard_insert": (
            "appointment",
            "BEFORE INSERT ON appointment FOR EACH ROW WHEN (NEW.ims_given IS NOT NULL OR NEW.ims_open) "
            "EXECUTE FUNCTION ims_given_guard()",
        ),
        "ims_given_guard_update": (
            "appointment",
            f"BEFORE UPDATE OF {_WATCHED} ON appointment FOR EACH ROW EXECUTE FUNCTION ims_given_guard()",
        ),
        "ims_answer_written_insert": (
            "appointment",
            "AFTER INSERT ON appointment FOR EACH ROW WHEN (NEW.ims_given IS NOT NULL) "
            "EXECUTE FUNCTION ims_answer_written()",
        ),
        "ims_answer_written_update": (
            "appointment",
            "AFTER UPDATE OF ims_given ON appointment FOR EACH ROW WHEN (NEW.ims_given IS DISTINCT FROM OLD.ims_given) "
            "EXECUTE FUNCTION ims_answer_written()",
        ),
    },
    functions={"ims_given_guard": _GUARD, "ims_answer_written": _WRITTEN},
)

_KEPT = "ims_answers_are_append_only"
IMS_ANSWERS = Lot(
    table="ims_answer",
    sqlite={
        f"{_KEPT}_{event.lower()}": f"BEFORE {event} ON ims_answer BEGIN SELECT RAISE(ABORT, '{_KEPT}');"
        for event in ("UPDATE", "DELETE")
    },
    postgresql={
        _KEPT: ("ims_answer", "BEFORE UPDATE OR DELETE ON ims_answer FOR EACH ROW EXECUTE FUNCTION ims_answers_guard()")
    },
    functions={
        "ims_answers_guard": f"""
CREATE OR REPLACE FUNCTION ims_answers_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  {_raise(_KEPT)}
END $$"""
    },
)
