"""whether IMS was given, and every answer to it

What was answered before is told by what a visit counts for. Of visits of the last seven days that may have been IMS,
nobody was asked: they are to be answered.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints
from scheduler.models.base import Instant
from scheduler.models.constraints.ims_given import IMS_ANSWERS, IMS_GIVEN

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None

GIVEN = """
UPDATE appointment SET ims_given = true WHERE status = 'completed' AND (origin = 'elsewhere' OR (
  spacing_group_id IN (SELECT id FROM spacing_group WHERE needling)
  AND treatment_id IN (SELECT id FROM treatment WHERE NOT needling)))
"""
# IMS that counted as planned and was told not to: by no later visit that counts instead.
NOT_GIVEN = """
UPDATE appointment SET ims_given = false WHERE status = 'completed' AND origin <> 'elsewhere' AND spacing_group_id IS NULL
  AND treatment_id IN (SELECT id FROM treatment WHERE needling)
  AND (SELECT coalesce(changed_why, '') FROM appointment_history AS line
        WHERE line.appointment_id = appointment.id AND line.from_spacing_group_id IS NOT NULL
          AND line.to_spacing_group_id IS NULL
        ORDER BY line.id DESC LIMIT 1) <> 'a later IMS visit elsewhere counts instead'
"""
TO_BE_ANSWERED = """
UPDATE appointment SET ims_open = true WHERE status = 'completed' AND ims_given IS NULL AND starts_at > :since
  AND practitioner_id IN (SELECT id FROM practitioner WHERE can_needle)
"""


def upgrade() -> None:
    op.add_column('appointment', sa.Column('ims_given', sa.Boolean(), nullable=True))
    op.add_column('appointment', sa.Column('ims_open', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('appointment', sa.Column('ims_concerns', sa.String(length=60), server_default='', nullable=False))
    op.create_index(
        'ix_appointment_ims_open',
        'appointment',
        ['practitioner_id', 'starts_at'],
        postgresql_where=sa.text('ims_open'),
        sqlite_where=sa.text('ims_open'),
    )
    op.execute(GIVEN)
    op.execute(NOT_GIVEN)
    since = sa.bindparam('since', datetime.now(UTC) - timedelta(days=7), Instant())
    op.get_bind().execute(sa.text(TO_BE_ANSWERED).bindparams(since))
    op.create_table('ims_answer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appointment_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('given_before', sa.Boolean(), nullable=True),
    sa.Column('given', sa.Boolean(), nullable=True),
    sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_ims_answer_appointment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ims_answer')),
    sa.UniqueConstraint('appointment_id', 'version', name='one_ims_answer_a_version')
    )
    constraints.install(op.get_bind())


def downgrade() -> None:
    for lot in (IMS_GIVEN, IMS_ANSWERS):
        for statement in lot.remove_statements(op.get_bind().dialect.name):
            op.get_bind().exec_driver_sql(statement)
    op.drop_table('ims_answer')
    op.drop_index('ix_appointment_ims_open', 'appointment')
    for name in ('ims_given', 'ims_open', 'ims_concerns'):
        op.drop_column('appointment', name)
