"""no visits on a merged record"""

import click
import sqlalchemy as sa
from alembic import op

from scheduler import clock
from scheduler.models import constraints
from scheduler.models.constraints import later
from scheduler.models.base import Instant

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

appointment = sa.table(
    "appointment",
    sa.column("id", sa.Integer),
    sa.column("public_id", sa.String),
    sa.column("patient_id", sa.Integer),
    sa.column("version", sa.Integer),
    sa.column("changed_at", Instant),
    sa.column("changed_by", sa.String),
    sa.column("changed_why", sa.String),
)
merge = sa.table("patient_merge", sa.column("merged_patient_id", sa.Integer), sa.column("kept_patient_id", sa.Integer))


def upgrade() -> None:
    _move_visits_left_behind()
    constraints.install(op.get_bind())


def downgrade() -> None:
    for statement in later.MERGED_WITHOUT_VISITS.remove_statements(op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)


def _move_visits_left_behind() -> None:
    """To the record that was kept, where they would have gone; what a rule forbids there is for a human."""
    connection = op.get_bind()
    merges = connection.execute(sa.select(merge.c.merged_patient_id, merge.c.kept_patient_id))
    kept = {gone: into for gone, into in merges}
    left = connection.execute(
        sa.select(appointment.c.id, appointment.c.public_id, appointment.c.patient_id)
        .join(merge, merge.c.merged_patient_id == appointment.c.patient_id)
        .order_by(appointment.c.id)
    ).all()
    refused = []
    for visit in left:
        patient_id = visit.patient_id
        while patient_id in kept:
            patient_id = kept[patient_id]
        moved = sa.update(appointment).where(appointment.c.id == visit.id).values(
            patient_id=patient_id,
            version=appointment.c.version + 1,
            changed_at=clock.now(),
            changed_by="system:upgrade",
            changed_why="moved from a merged record",
        )
        try:
            with connection.begin_nested():
                connection.execute(moved)
        except sa.exc.IntegrityError as error:
            refused.append(f"{visit.public_id} ({constraints.violated(error)})")
    if refused:
        raise click.ClickException(
            "nothing was upgraded: visits of merged patients cannot be moved to the record that was kept. "
            f"Cancel these with the version before: {', '.join(refused)}."
        )
