"""whose decision a clearance is, and booked IMS that a physiotherapist is to look at"""

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints
from scheduler.models.constraints import ims

revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None

WORD = 'clearing_practitioner_id'
OPEN = sa.text('answer IS NULL')


def upgrade() -> None:
    if op.get_bind().dialect.name == 'sqlite':  # in place: everything points at patients
        op.execute(f'ALTER TABLE patient ADD COLUMN {WORD} INTEGER CONSTRAINT fk_patient_{WORD} REFERENCES practitioner (id)')
    else:
        op.add_column('patient', sa.Column(WORD, sa.Integer(), nullable=True))
        op.create_foreign_key(f'fk_patient_{WORD}', 'patient', 'practitioner', [WORD], ['id'])
    # Who cleared a patient and is a practitioner with an account of their own did it on their own word.
    op.execute(
        f"UPDATE patient SET {WORD} = (SELECT s.practitioner_id FROM staff_user s WHERE 'staff:' || s.username = "
        "patient.cleared_by AND s.role = 'practitioner') WHERE cleared_for_ims_at IS NOT NULL"
    )
    op.create_table(
        'ims_review',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('appointment_id', sa.Integer(), nullable=False),
        sa.Column('why', sa.String(length=24), nullable=False),
        sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('answer', sa.String(length=12), nullable=True),
        sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('answered_by', sa.String(length=80), nullable=True),
        sa.Column('practitioner_id', sa.Integer(), nullable=True),
        sa.CheckConstraint("why IN ('clearance_taken_back', 'screening')", name=op.f('ims_review_why_known')),
        sa.CheckConstraint("answer IN ('go_ahead', 'call')", name=op.f('ims_review_answer_known')),
        sa.CheckConstraint(
            '(answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answered_by IS NULL)',
            name=op.f('ims_review_answered_by_somebody'),
        ),
        sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_ims_review_appointment_id')),
        sa.ForeignKeyConstraint(['practitioner_id'], ['practitioner.id'], name=op.f('fk_ims_review_practitioner_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_ims_review')),
    )
    op.create_index('ix_ims_review_appointment_id', 'ims_review', ['appointment_id'])
    op.create_index(
        'one_open_ims_review', 'ims_review', ['appointment_id'], unique=True, postgresql_where=OPEN, sqlite_where=OPEN
    )
    constraints.install(op.get_bind())


def downgrade() -> None:
    for statement in ims.IMS_ONLY_FOR_CLEARED.remove_statements(op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
    op.drop_table('ims_review')
    if op.get_bind().dialect.name != 'sqlite':
        op.drop_constraint(f'fk_patient_{WORD}', 'patient', type_='foreignkey')
    op.drop_column('patient', WORD)
