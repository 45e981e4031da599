"""a link in every text about a visit, each for one visit of one patient

The links to move a visit that were texted before go on working, for the patient whose visit it is now.
"""

import sqlalchemy as sa
from alembic import op

revision = '0031'
down_revision = '0030'
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KEPT = 'token_hash, appointment_id, schedule_version, phone_account_id, created_at, expires_at'


def upgrade() -> None:
    _create(
        'visit_link',
        sa.Column('patient_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_visit_link_patient_id')),
    )
    op.execute(
        f'INSERT INTO visit_link ({KEPT}, patient_id) '
        f'SELECT {_of_link()}, appointment.patient_id FROM move_link '
        'JOIN appointment ON appointment.id = move_link.appointment_id WHERE appointment.patient_id IS NOT NULL'
    )
    op.drop_table('move_link')


def downgrade() -> None:
    _create('move_link')
    op.execute(f'INSERT INTO move_link ({KEPT}) SELECT {KEPT} FROM visit_link')
    op.drop_table('visit_link')


def _of_link() -> str:
    return ', '.join(f'move_link.{column}' for column in KEPT.split(', '))


def _create(table: str, *more: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('token_hash', sa.String(64), nullable=False),
        sa.Column('appointment_id', sa.Integer(), nullable=False),
        sa.Column('schedule_version', sa.Integer(), nullable=False),
        sa.Column('phone_account_id', sa.Integer(), nullable=False),
        sa.Column('created_at', INSTANT, nullable=False),
        sa.Column('expires_at', INSTANT, nullable=False),
        *more,
        sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f(f'fk_{table}_appointment_id')),
        sa.ForeignKeyConstraint(['phone_account_id'], ['phone_account.id'], name=op.f(f'fk_{table}_phone_account_id')),
        sa.PrimaryKeyConstraint('id', name=op.f(f'pk_{table}')),
        sa.UniqueConstraint('token_hash', name=op.f(f'uq_{table}_token_hash')),
    )
    op.create_index(op.f(f'ix_{table}_appointment_id'), table, ['appointment_id'])
    op.create_index(op.f(f'ix_{table}_expires_at'), table, ['expires_at'])
