"""What the owner is still to say about the kinds of treatments."""

from flask import g
from flask_babel import gettext as _
from flask_login import current_user

from scheduler.domain.clinic.treatment_kind import TreatmentKind, sounds_like_ims
from scheduler.extensions import db
from scheduler.queries.clinic import reference


def to_settle() -> list[str]:
    """A sentence for each question, for the owner alone; nothing where everything is said."""
    if current_user.role != "owner":
        return []
    current = reference.current_at(db.engine, g.desk_state.reference_version)
    if not current.treatments:
        return []
    said = []
    if current.assessment is None:
        said.append(
            _(
                "No treatment that patients can book online is of the kind assessment: who is new is asked to call instead."
            )
        )
    for treatment in current.treatments:
        doubtful = treatment.kind is not TreatmentKind.IMS and not treatment.named_so_on_purpose
        if doubtful and sounds_like_ims(treatment.name_en, treatment.name_fr):
            said.append(
                _(
                    "“%(name)s” sounds like IMS and is of another kind: the seven days do not hold for it.",
                    name=treatment.name_en,
                )
            )
    return said
