"""the second step for everybody, and PINs at the clinic's own computers

Who signs in already has seven days from now.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = '0029'
down_revision = '0028'
branch_labels = None
depends_on = None

GRACE = timedelta(days=7)
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column('staff_user', sa.Column('pin_hash', sa.String(200), nullable=True))
    op.add_column('staff_user', sa.Column('second_step_due_at', INSTANT, nullable=True))
    op.add_column('staff_user', sa.Column('let_in_until', INSTANT, nullable=True))
    staff = sa.table('staff_user', sa.column('second_step_due_at', INSTANT), sa.column('last_sign_in_at', INSTANT))
    due_at = datetime.now(UTC) + GRACE
    op.execute(staff.update().where(staff.c.last_sign_in_at.is_not(None)).values(second_step_due_at=due_at))
    op.create_table('clinic_computer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(60), nullable=False),
    sa.Column('token_hash', sa.String(64), nullable=False),
    sa.Column('registered_at', INSTANT, nullable=False),
    sa.Column('registered_by', sa.String(80), nullable=False),
    sa.Column('ends_at', INSTANT, nullable=False),
    sa.Column('revoked_at', INSTANT, nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clinic_computer')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_clinic_computer_token_hash'))
    )
    op.create_table('computer_sign_in',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('clinic_computer_id', sa.Integer(), nullable=False),
    sa.Column('staff_user_id', sa.Integer(), nullable=False),
    sa.Column('given_at', INSTANT, nullable=False),
    sa.Column('wrong_pins', sa.Integer(), nullable=False),
    sa.Column('page', sa.String(500), nullable=True),
    sa.Column('kept_form', sa.String(32), nullable=True),
    sa.CheckConstraint('wrong_pins >= 0 AND wrong_pins <= 5', name='five_wrong_pins_at_most'),
    sa.ForeignKeyConstraint(['clinic_computer_id'], ['clinic_computer.id'], name=op.f('fk_computer_sign_in_clinic_computer_id')),
    sa.ForeignKeyConstraint(['staff_user_id'], ['staff_user.id'], name=op.f('fk_computer_sign_in_staff_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_computer_sign_in')),
    sa.UniqueConstraint('clinic_computer_id', 'staff_user_id', name='one_sign_in_a_computer')
    )
    op.create_index(op.f('ix_computer_sign_in_staff_user_id'), 'computer_sign_in', ['staff_user_id'])
    op.create_index(op.f('ix_computer_sign_in_given_at'), 'computer_sign_in', ['given_at'])


def downgrade() -> None:
    op.drop_table('computer_sign_in')
    op.drop_table('clinic_computer')
    for column in ('let_in_until', 'second_step_due_at', 'pin_hash'):
        op.drop_column('staff_user', column)
