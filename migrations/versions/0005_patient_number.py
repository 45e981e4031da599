"""Numbers that patients had in an earlier system"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('patient_number',
    sa.Column('number', sa.String(length=60), nullable=False),
    sa.Column('patient_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_patient_number_patient_id')),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_patient_number'))
    )
    op.create_index(op.f('ix_patient_number_patient_id'), 'patient_number', ['patient_id'])


def downgrade() -> None:
    op.drop_index(op.f('ix_patient_number_patient_id'), table_name='patient_number')
    op.drop_table('patient_number')
