"""who saw whom on a list"""

import sqlalchemy as sa
from alembic import op

revision = '0030'
down_revision = '0029'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('look',
    sa.Column('actor', sa.String(80), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('list_name', sa.String(20), nullable=False),
    sa.Column('patient_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('address', sa.String(45), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_look_patient_id')),
    sa.PrimaryKeyConstraint('actor', 'day', 'list_name', 'patient_id', name=op.f('pk_look'))
    )
    op.create_index('ix_look_patient_id_day', 'look', ['patient_id', 'day'])
    op.create_index('ix_look_day', 'look', ['day'])


def downgrade() -> None:
    op.drop_table('look')
