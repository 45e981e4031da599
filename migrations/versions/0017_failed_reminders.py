"""failed reminders, which the desk's calendar looks for"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None

FAILED = sa.text("status = 'failed'")


def upgrade() -> None:
    op.create_index('ix_reminder_failed', 'reminder', ['appointment_id'], postgresql_where=FAILED, sqlite_where=FAILED)


def downgrade() -> None:
    op.drop_index('ix_reminder_failed', table_name='reminder', postgresql_where=FAILED, sqlite_where=FAILED)
