"""What patients are found by: words of their names, endings of their numbers, birth dates"""

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints
from scheduler.models.constraints import later
from scheduler.models.patients import search

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def _bytes(length: int) -> sa.types.TypeEngine:
    return sa.String(length).with_variant(sa.String(length, collation='C'), 'postgresql')


def upgrade() -> None:
    op.create_table('patient_search_word',
    sa.Column('patient_id', sa.Integer(), nullable=False),
    sa.Column('word', _bytes(40), nullable=False),
    sa.Column('names', _bytes(300), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_patient_search_word_patient_id')),
    sa.PrimaryKeyConstraint('patient_id', 'word', name=op.f('pk_patient_search_word'))
    )
    op.create_index('ix_patient_search_word_word_names', 'patient_search_word', ['word', 'names', 'patient_id'])
    op.create_table('phone_number_ending',
    sa.Column('phone_account_id', sa.Integer(), nullable=False),
    sa.Column('digits', _bytes(16), nullable=False),
    sa.ForeignKeyConstraint(['phone_account_id'], ['phone_account.id'], name=op.f('fk_phone_number_ending_phone_account_id')),
    sa.PrimaryKeyConstraint('phone_account_id', 'digits', name=op.f('pk_phone_number_ending'))
    )
    op.create_index('ix_phone_number_ending_digits', 'phone_number_ending', ['digits', 'phone_account_id'])
    op.create_index(op.f('ix_patient_birth_date'), 'patient', ['birth_date'])
    search.index_names(op.get_bind())
    search.index_numbers(op.get_bind())
    constraints.install(op.get_bind())


def downgrade() -> None:
    for statement in later.PHONE_NUMBER_ENDINGS.remove_statements(op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
    op.drop_index(op.f('ix_patient_birth_date'), table_name='patient')
    op.drop_table('phone_number_ending')
    op.drop_table('patient_search_word')
