"""requests to correct a record, their answers, and statements of disagreement"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
OPEN = sa.text('answer IS NULL')


def upgrade() -> None:
    op.create_table(
        'correction_request',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column(
            'patient_id', sa.Integer(), sa.ForeignKey('patient.id', name='fk_correction_request_patient_id'), nullable=False
        ),
        sa.Column('what_is_wrong', sa.String(1000), nullable=False),
        sa.Column('should_say', sa.String(1000), nullable=False),
        sa.Column('asked_at', INSTANT, nullable=False),
        sa.Column('asked_by', sa.String(80), nullable=False),
        sa.Column('answer', sa.String(10), nullable=True),
        sa.Column('answer_words', sa.String(1000), nullable=False),
        sa.Column('answered_at', INSTANT, nullable=True),
        sa.Column('answered_by', sa.String(80), nullable=True),
        sa.Column('statement', sa.String(2000), nullable=False),
        sa.Column('stated_at', INSTANT, nullable=True),
        sa.Column('stated_by', sa.String(80), nullable=True),
        sa.CheckConstraint("answer IN ('corrected', 'refused')", name='correction_answer_known'),
        sa.CheckConstraint(
            '(answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answered_by IS NULL)',
            name='correction_answered_by_somebody',
        ),
        sa.CheckConstraint(
            "(stated_at IS NULL) = (stated_by IS NULL) AND (stated_at IS NULL OR answer = 'refused')",
            name='correction_statement_only_where_refused',
        ),
        sa.PrimaryKeyConstraint('id', name='pk_correction_request'),
    )
    op.create_index('ix_correction_request_patient_id', 'correction_request', ['patient_id'])
    op.create_index(
        'ix_correction_request_open', 'correction_request', ['asked_at'], sqlite_where=OPEN, postgresql_where=OPEN
    )


def downgrade() -> None:
    op.drop_table('correction_request')
