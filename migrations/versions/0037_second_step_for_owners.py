"""Seven days from the upgrade for everybody who has no second step yet, owners included.

Until now an owner had none, and somebody whose days were over could still set it up with the password alone.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from scheduler.models.base import Instant

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    staff = sa.table("staff_user", sa.column("totp_secret", sa.String), sa.column("second_step_due_at", Instant))
    waiting = staff.c.totp_secret.is_(None) & staff.c.second_step_due_at.is_not(None)
    op.execute(staff.update().where(waiting).values(second_step_due_at=datetime.now(UTC) + timedelta(days=7)))


def downgrade() -> None:
    """The days stay as they are."""
