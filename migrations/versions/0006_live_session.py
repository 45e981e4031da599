"""Who is signed in, and where"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('live_session',
    sa.Column('id_hash', sa.String(length=64), nullable=False),
    sa.Column('phone_account_id', sa.Integer(), nullable=True),
    sa.Column('staff_user_id', sa.Integer(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(phone_account_id IS NULL) <> (staff_user_id IS NULL)', name=op.f('session_of_one_person')),
    sa.ForeignKeyConstraint(['phone_account_id'], ['phone_account.id'], name=op.f('fk_live_session_phone_account_id')),
    sa.ForeignKeyConstraint(['staff_user_id'], ['staff_user.id'], name=op.f('fk_live_session_staff_user_id')),
    sa.PrimaryKeyConstraint('id_hash', name=op.f('pk_live_session'))
    )
    for column in ('phone_account_id', 'staff_user_id', 'ends_at'):
        op.create_index(op.f(f'ix_live_session_{column}'), 'live_session', [column])
    for table in ('phone_account', 'staff_user'):
        op.drop_column(table, 'sign_in_epoch')  # sessions are rows now, and end with them


def downgrade() -> None:
    for table in ('phone_account', 'staff_user'):
        op.add_column(table, sa.Column('sign_in_epoch', sa.Integer(), server_default='1', nullable=False))
    op.drop_table('live_session')
