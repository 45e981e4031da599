"""records whose time is over: what was blanked, and what somebody wants kept all the same"""

import sqlalchemy as sa
from alembic import op

from scheduler.models.constraints import install

revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None

APPEND_ONLY = ('history_is_append_only', 'notes_are_append_only', 'audit_is_append_only')


def upgrade() -> None:
    op.create_table(
        'retention_act',
        sa.Column('patient_id', sa.Integer(), sa.ForeignKey('patient.id', name='fk_retention_act_patient_id'), nullable=False),
        sa.Column('blanked_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('blanked_by', sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint('patient_id', name='pk_retention_act'),
    )
    op.create_table(
        'retention_hold',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('patient_id', sa.Integer(), sa.ForeignKey('patient.id', name='fk_retention_hold_patient_id'), nullable=False),
        sa.Column('reason', sa.String(200), nullable=False),
        sa.Column('placed_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('placed_by', sa.String(80), nullable=False),
        sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('lifted_by', sa.String(80), nullable=True),
        sa.CheckConstraint('length(reason) > 0', name='retention_hold_has_a_reason'),
        sa.PrimaryKeyConstraint('id', name='pk_retention_hold'),
    )
    op.create_index('ix_retention_hold_patient_id', 'retention_hold', ['patient_id'])
    install(op.get_bind())


def downgrade() -> None:
    if op.get_bind().dialect.name == 'sqlite':  # they name the table that goes; those without the exception come back
        for rule in APPEND_ONLY:
            op.execute(f'DROP TRIGGER IF EXISTS {rule}_update')
    op.drop_table('retention_hold')
    op.drop_table('retention_act')
    install(op.get_bind())
