"""Notes on visits: each change is a row of its own, which nothing alters"""

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints
from scheduler.models.constraints import later

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('appointment_note',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appointment_id', sa.Integer(), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('written_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('written_by', sa.String(length=80), nullable=False),
    sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_appointment_note_appointment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appointment_note'))
    )
    op.create_index(op.f('ix_appointment_note_appointment_id'), 'appointment_note', ['appointment_id'])
    constraints.install(op.get_bind())


def downgrade() -> None:
    for statement in later.NOTES_APPEND_ONLY.remove_statements(op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
    op.drop_table('appointment_note')
