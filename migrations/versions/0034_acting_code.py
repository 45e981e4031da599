"""codes by which a patient lets somebody act for them, and why a number does not open a patient"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        'acting_code',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('code_hmac', sa.String(length=64), nullable=False),
        sa.Column('patient_id', sa.Integer(), nullable=False),
        sa.Column('made_at', instant, nullable=False),
        sa.Column('made_by', sa.String(length=80), nullable=False),
        sa.Column('expires_at', instant, nullable=False),
        sa.Column('used_at', instant, nullable=True),
        sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_acting_code_patient_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_acting_code')),
        sa.UniqueConstraint('code_hmac', name=op.f('uq_acting_code_code_hmac')),
    )
    op.create_index('ix_acting_code_patient_id', 'acting_code', ['patient_id'])
    op.create_index('ix_acting_code_expires_at', 'acting_code', ['expires_at'])
    op.add_column('wrong_number', sa.Column('why', sa.String(length=20), nullable=True))


def downgrade() -> None:
    op.drop_column('wrong_number', 'why')
    op.drop_table('acting_code')
