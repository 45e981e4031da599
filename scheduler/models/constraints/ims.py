"""IMS is done by practitioners who may needle: who does what, visits to come, and every later change of either.

What has happened is never refused: a completed visit stands whoever gave it. Visits to come count for what their
treatment counts for, also when the treatment changes.
"""

from scheduler.models.constraints.lot import Lot
from scheduler.models.constraints.postgresql import REFUSE

NAME = "ims_by_who_may_needle"
FOLLOWS = "spacing_follows_treatment"
OPEN = "('held', 'booked', 'confirmed', 'arrived')"
_MAY_NOT = "EXISTS (SELECT 1 FROM practitioner WHERE id = NEW.practitioner_id AND NOT can_needle)"
_NEEDLES = "EXISTS (SELECT 1 FROM treatment WHERE id = NEW.treatment_id AND needling)"
_DOES_IMS = f"""(EXISTS (SELECT 1 FROM practitioner_treatment d JOIN treatment t ON t.id = d.treatment_id
    WHERE d.practitioner_id = NEW.id AND t.needling)
  OR EXISTS (SELECT 1 FROM appointment a JOIN treatment t ON t.id = a.treatment_id
    WHERE a.practitioner_id = NEW.id AND a.active AND a.status IN {OPEN} AND t.needling))"""
_DONE_BY_OTHERS = f"""(EXISTS (SELECT 1 FROM practitioner_treatment d JOIN practitioner p ON p.id = d.practitioner_id
    WHERE d.treatment_id = NEW.id AND NOT p.can_needle)
  OR EXISTS (SELECT 1 FROM appointment a JOIN practitioner p ON p.id = a.practitioner_id
    WHERE a.treatment_id = NEW.id AND a.active AND a.status IN {OPEN} AND NOT p.can_needle))"""
_COUNTS_OTHERWISE = f"""EXISTS (SELECT 1 FROM appointment WHERE treatment_id = NEW.id AND active AND status IN {OPEN}
    AND spacing_group_id {{differs}} NEW.spacing_group_id)"""
_OPENED = f"NEW.status IN {OPEN} AND NEW.origin <> 'elsewhere'"
_CHANGED = (
    "(NOT OLD.active OR NEW.practitioner_id {differs} OLD.practitioner_id OR NEW.treatment_id <> OLD.treatment_id)"
)
_NO = f"SELECT RAISE(ABORT, '{NAME}');"
_REFUSE = REFUSE % (NAME, NAME)


def _sqlite() -> dict[str, str]:
    regrouped = f"NEW.spacing_group_id IS NOT OLD.spacing_group_id AND {_COUNTS_OTHERWISE.format(differs='IS NOT')}"
    changed = _CHANGED.format(differs="IS NOT")
    return {
        f"{NAME}_does": f"BEFORE INSERT ON practitioner_treatment WHEN {_MAY_NOT} AND {_NEEDLES} BEGIN {_NO}",
        f"{NAME}_does_other": f"BEFORE UPDATE ON practitioner_treatment WHEN {_MAY_NOT} AND {_NEEDLES} BEGIN {_NO}",
        f"{NAME}_insert": f"BEFORE INSERT ON appointment WHEN {_OPENED} AND {_MAY_NOT} AND {_NEEDLES} BEGIN {_NO}",
        f"{NAME}_update": "BEFORE UPDATE OF status, practitioner_id, treatment_id ON appointment "
        f"WHEN {_OPENED} AND {changed} AND {_MAY_NOT} AND {_NEEDLES} BEGIN {_NO}",
        f"{NAME}_taken_away": "BEFORE UPDATE OF can_needle ON practitioner "
        f"WHEN OLD.can_needle AND NOT NEW.can_needle AND {_DOES_IMS} BEGIN {_NO}",
        f"{NAME}_kind": "AFTER UPDATE ON treatment "
        f"WHEN NEW.needling AND NOT OLD.needling AND {_DONE_BY_OTHERS} BEGIN {_NO}",
        f"{FOLLOWS}_changed": "AFTER UPDATE OF spacing_group_id ON treatment "
        f"WHEN {regrouped} BEGIN SELECT RAISE(ABORT, '{FOLLOWS}');",
    }


def _function(name: str, body: str) -> str:
    return f"""
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
{body}
  RETURN NULL;
END $$"""


# After the statement, when its own locks are held: each question below sees what was committed before them. A visit
# holds its practitioner by then (appointments_inserted and appointment_changed come first, by their names) and its
# treatment (appointment_guard).
_FUNCTIONS = {
    f"{NAME}_does": f"""
  PERFORM 1 FROM practitioner WHERE id = NEW.practitioner_id FOR SHARE;
  PERFORM 1 FROM treatment WHERE id = NEW.treatment_id FOR SHARE;
  IF {_MAY_NOT} AND {_NEEDLES} THEN {_REFUSE}; END IF;""",
    f"{NAME}_insert": f"""
  IF EXISTS (SELECT 1 FROM fresh f JOIN practitioner p ON p.id = f.practitioner_id JOIN treatment t ON t.id = f.treatment_id
      WHERE f.status IN {OPEN} AND t.needling AND NOT p.can_needle) THEN {_REFUSE}; END IF;""",
    f"{NAME}_update": f"  IF {_MAY_NOT} AND {_NEEDLES} THEN {_REFUSE}; END IF;",
    f"{NAME}_taken_away": f"  IF {_DOES_IMS} THEN {_REFUSE}; END IF;",
    f"{NAME}_kind": f"""
  IF NEW.needling AND NOT OLD.needling AND {_DONE_BY_OTHERS} THEN {_REFUSE}; END IF;
  IF NEW.spacing_group_id IS DISTINCT FROM OLD.spacing_group_id AND {_COUNTS_OTHERWISE.format(differs="IS DISTINCT FROM")} THEN
    {REFUSE % (FOLLOWS, FOLLOWS)};
  END IF;""",
}


def _row(name: str, table: str, event: str, when: str = "true") -> tuple[str, str]:
    return table, f"AFTER {event} ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {NAME}_{name}()"


_POSTGRESQL = {
    f"{NAME}_does": _row("does", "practitioner_treatment", "INSERT OR UPDATE"),
    f"{NAME}_insert": (
        "appointment",
        f"AFTER INSERT ON appointment REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION {NAME}_insert()",
    ),
    f"{NAME}_update": _row(
        "update",
        "appointment",
        "UPDATE OF status, practitioner_id, treatment_id",
        f"{_OPENED} AND {_CHANGED.format(differs='IS DISTINCT FROM')}",
    ),
    f"{NAME}_taken_away": _row(
        "taken_away", "practitioner", "UPDATE OF can_needle", "OLD.can_needle AND NOT NEW.can_needle"
    ),
    f"{NAME}_kind": _row("kind", "treatment", "UPDATE"),
}

IMS_BY_WHO_MAY_NEEDLE = Lot(
    table="practitioner_treatment",
    sqlite=_sqlite(),
    postgresql=_POSTGRESQL,
    functions={name: _function(name, body) for name, body in _FUNCTIONS.items()},
)

CLEARED = "ims_only_for_cleared"
_NOT_CLEARED = "EXISTS (SELECT 1 FROM patient WHERE id = NEW.patient_id AND cleared_for_ims_at IS NULL)"
_NEEDS_IT = "EXISTS (SELECT 1 FROM treatment WHERE id = NEW.treatment_id AND needs_clearance)"
_NO_CLEARANCE = f"SELECT RAISE(ABORT, '{CLEARED}');"
# Booked, chosen after a hold, booked again or moved. A record that is merged into another takes its visits along.
_BOOKED_ANEW = (
    f"{_OPENED} AND (NOT OLD.active OR NEW.starts_local <> OLD.starts_local OR NEW.treatment_id <> OLD.treatment_id "
    "OR (OLD.patient_id IS NULL AND NEW.patient_id IS NOT NULL))"
)
_REFUSE_UNCLEARED = REFUSE % (CLEARED, CLEARED)
IMS_ONLY_FOR_CLEARED = Lot(
    table="ims_review",
    sqlite={
        f"{CLEARED}_insert": f"BEFORE INSERT ON appointment WHEN {_OPENED} AND {_NOT_CLEARED} AND {_NEEDS_IT} "
        f"BEGIN {_NO_CLEARANCE}",
        f"{CLEARED}_update": "BEFORE UPDATE OF status, starts_local, treatment_id, patient_id ON appointment "
        f"WHEN {_BOOKED_ANEW} AND {_NOT_CLEARED} AND {_NEEDS_IT} BEGIN {_NO_CLEARANCE}",
    },
    # As above, after the statement: it holds its patient by then, whose clearance may just have been taken back.
    postgresql={
        f"{CLEARED}_insert": (
            "appointment",
            f"AFTER INSERT ON appointment REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION {CLEARED}_insert()",
        ),
        f"{CLEARED}_update": (
            "appointment",
            "AFTER UPDATE OF status, starts_local, treatment_id, patient_id ON appointment "
            f"FOR EACH ROW WHEN ({_BOOKED_ANEW}) EXECUTE FUNCTION {CLEARED}_update()",
        ),
    },
    functions={
        f"{CLEARED}_insert": _function(
            f"{CLEARED}_insert",
            f"""
  IF EXISTS (SELECT 1 FROM fresh f JOIN patient p ON p.id = f.patient_id JOIN treatment t ON t.id = f.treatment_id
      WHERE f.status IN {OPEN} AND t.needs_clearance AND p.cleared_for_ims_at IS NULL) THEN {_REFUSE_UNCLEARED}; END IF;""",
        ),
        f"{CLEARED}_update": _function(
            f"{CLEARED}_update", f"  IF {_NOT_CLEARED} AND {_NEEDS_IT} THEN {_REFUSE_UNCLEARED}; END IF;"
        ),
    },
)
