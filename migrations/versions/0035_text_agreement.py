"""agreement to texts, with time and words"""

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints
from scheduler.models.constraints import later

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

KINDS = "'booking', 'sign_in', 'new_number', 'page', 'desk', 'api', 'text', 'provider', 'import', 'before'"


def upgrade() -> None:
    op.create_table(
        'text_agreement',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column(
            'phone_account_id',
            sa.Integer(),
            sa.ForeignKey('phone_account.id', name='fk_text_agreement_phone_account_id'),
            nullable=False,
        ),
        sa.Column('patient_id', sa.Integer(), sa.ForeignKey('patient.id', name='fk_text_agreement_patient_id'), nullable=True),
        sa.Column('agrees', sa.Boolean(), nullable=False),
        sa.Column('said_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('words', sa.String(400), nullable=False),
        sa.Column('language', sa.String(5), nullable=False),
        sa.Column('how', sa.String(12), nullable=False),
        sa.Column('said_by', sa.String(80), nullable=False),
        sa.CheckConstraint(f'how IN ({KINDS})', name='text_agreement_how_known'),
        sa.PrimaryKeyConstraint('id', name='pk_text_agreement'),
    )
    op.create_index('ix_text_agreement_phone_account_id', 'text_agreement', ['phone_account_id'])
    op.create_index('ix_text_agreement_patient_id', 'text_agreement', ['patient_id'])
    op.execute(
        'INSERT INTO text_agreement (phone_account_id, agrees, said_at, words, language, how, said_by) '
        "SELECT id, true, created_at, '', language, 'before', '' FROM phone_account "
        'WHERE id IN (SELECT phone_account_id FROM patient)'
    )
    op.execute(
        'INSERT INTO text_agreement (phone_account_id, agrees, said_at, words, language, how, said_by) '
        "SELECT id, false, opted_out_at, '', language, 'before', '' FROM phone_account WHERE opted_out_at IS NOT NULL"
    )
    constraints.install(op.get_bind())


def downgrade() -> None:
    for statement in later.TEXT_AGREEMENTS_APPEND_ONLY.remove_statements(op.get_bind().dialect.name):
        op.execute(statement)
    op.drop_table('text_agreement')
