"""What sending leans on: texts without a receipt, their parts, confirmations before reminders, the pace of a sender"""

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SILENT = sa.text("status IN ('accepted', 'sent') AND asked_at IS NULL")
CONFIRMATION = sa.text("status = 'planned' AND kind = 'confirmation'")


def upgrade() -> None:
    op.add_column('message', sa.Column('asked_at', INSTANT, nullable=True))
    op.add_column('message', sa.Column('segments', sa.Integer(), nullable=True))
    op.create_index('ix_message_silent', 'message', ['settled_at'], postgresql_where=SILENT, sqlite_where=SILENT)
    op.create_index(
        'ix_reminder_due_confirmation', 'reminder', ['next_attempt_at'],
        postgresql_where=CONFIRMATION, sqlite_where=CONFIRMATION,
    )
    op.create_table('sms_sender',
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('free_at', INSTANT, nullable=False),
    sa.Column('paused_until', INSTANT, nullable=True),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_sms_sender'))
    )
    constraints.install(op.get_bind())


def downgrade() -> None:
    op.drop_table('sms_sender')
    op.drop_index('ix_reminder_due_confirmation', table_name='reminder')
    op.drop_index('ix_message_silent', table_name='message')
    for column in ('segments', 'asked_at'):
        op.drop_column('message', column)
