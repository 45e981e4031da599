"""a wrong number belongs to a patient and a number

What stood at the number was said of everybody who has it.
"""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None

OPEN = sa.text("lifted_at IS NULL")
MARKS = """
INSERT INTO wrong_number (patient_id, phone_account_id, said_at, stopped_at, stopped_by)
SELECT patient.id, phone_account.id, coalesce(wrong_number_at, unreachable_at),
       CASE WHEN unreachable_why = 'wrong number' THEN unreachable_at END,
       CASE WHEN unreachable_why = 'wrong number' THEN 'system:upgrade' END
  FROM patient JOIN phone_account ON phone_account.id = patient.phone_account_id
 WHERE wrong_number_at IS NOT NULL OR unreachable_why = 'wrong number'
"""
SAID_AGAIN = """
UPDATE phone_account SET wrong_number_at = (
    SELECT min(said_at) FROM wrong_number
     WHERE phone_account_id = phone_account.id AND lifted_at IS NULL AND stopped_at IS NULL)
"""
STOPPED_AGAIN = """
UPDATE phone_account SET unreachable_why = 'wrong number', unreachable_at = (
    SELECT max(stopped_at) FROM wrong_number WHERE phone_account_id = phone_account.id AND lifted_at IS NULL)
 WHERE EXISTS (SELECT 1 FROM wrong_number
                WHERE phone_account_id = phone_account.id AND lifted_at IS NULL AND stopped_at IS NOT NULL)
"""


def upgrade() -> None:
    op.create_table(
        'wrong_number',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('patient_id', sa.Integer(), nullable=False),
        sa.Column('phone_account_id', sa.Integer(), nullable=False),
        sa.Column('said_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('stopped_by', sa.String(length=80), nullable=True),
        sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('lifted_by', sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_wrong_number_patient_id')),
        sa.ForeignKeyConstraint(['phone_account_id'], ['phone_account.id'], name=op.f('fk_wrong_number_phone_account_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_wrong_number')),
    )
    op.create_index('ix_wrong_number_phone_account_id', 'wrong_number', ['phone_account_id'])
    op.create_index(
        'one_open_mark_a_patient_and_number', 'wrong_number', ['patient_id', 'phone_account_id'],
        unique=True, sqlite_where=OPEN, postgresql_where=OPEN,
    )
    op.execute(MARKS)
    op.execute(
        "UPDATE phone_account SET unreachable_at = NULL, unreachable_why = NULL WHERE unreachable_why = 'wrong number'"
    )
    op.drop_column('phone_account', 'wrong_number_at')


def downgrade() -> None:
    op.add_column('phone_account', sa.Column('wrong_number_at', sa.DateTime(timezone=True), nullable=True))
    op.execute(SAID_AGAIN)
    op.execute(STOPPED_AGAIN)
    op.drop_table('wrong_number')
