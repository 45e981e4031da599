"""What replies lean on: links to move a visit, numbered visits, the desk's inbox, receipts that came too early"""

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column('phone_account', sa.Column('wrong_number_at', INSTANT, nullable=True))
    op.add_column('message', sa.Column('for_desk', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('message', sa.Column('read_at', INSTANT, nullable=True))
    op.add_column('message', sa.Column('read_by', sa.String(length=80), nullable=True))
    op.add_column('message', sa.Column('written_by', sa.String(length=80), nullable=True))
    op.create_index(
        'ix_message_for_desk', 'message', ['number', 'id'],
        postgresql_where=sa.text('for_desk'), sqlite_where=sa.text('for_desk = 1'),
    )
    op.create_index(
        'ix_message_unread', 'message', ['id'],
        postgresql_where=sa.text('for_desk AND read_at IS NULL'),
        sqlite_where=sa.text('for_desk = 1 AND read_at IS NULL'),
    )
    op.create_table('move_link',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('appointment_id', sa.Integer(), nullable=False),
    sa.Column('schedule_version', sa.Integer(), nullable=False),
    sa.Column('created_at', INSTANT, nullable=False),
    sa.Column('expires_at', INSTANT, nullable=False),
    sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_move_link_appointment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_move_link')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_move_link_token_hash'))
    )
    op.create_index(op.f('ix_move_link_appointment_id'), 'move_link', ['appointment_id'])
    op.create_index(op.f('ix_move_link_expires_at'), 'move_link', ['expires_at'])
    op.create_table('reply_choice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('message_id', sa.Integer(), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('wish', sa.String(length=8), nullable=False),
    sa.Column('appointment_id', sa.Integer(), nullable=False),
    sa.Column('schedule_version', sa.Integer(), nullable=False),
    sa.CheckConstraint("wish IN ('confirm', 'move')", name=op.f('reply_choice_wish_known')),
    sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_reply_choice_appointment_id')),
    sa.ForeignKeyConstraint(['message_id'], ['message.id'], name=op.f('fk_reply_choice_message_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reply_choice')),
    sa.UniqueConstraint('message_id', 'place', name='one_visit_a_place')
    )
    op.create_table('early_receipt',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('attempt_id', sa.String(length=32), nullable=True),
    sa.Column('sid', sa.String(length=64), nullable=False),
    sa.Column('word', sa.String(length=20), nullable=False),
    sa.Column('error_code', sa.Integer(), nullable=True),
    sa.Column('received_at', INSTANT, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_early_receipt'))
    )
    op.create_index(op.f('ix_early_receipt_sid'), 'early_receipt', ['sid'])
    op.create_index(op.f('ix_early_receipt_received_at'), 'early_receipt', ['received_at'])
    constraints.install(op.get_bind())


def downgrade() -> None:
    op.drop_table('early_receipt')
    op.drop_table('reply_choice')
    op.drop_table('move_link')
    op.drop_index('ix_message_unread', table_name='message')
    op.drop_index('ix_message_for_desk', table_name='message')
    for column in ('written_by', 'read_by', 'read_at', 'for_desk'):
        op.drop_column('message', column)
    op.drop_column('phone_account', 'wrong_number_at')
