"""on PostgreSQL new appointments are noted once a statement"""

from alembic import op

from scheduler.models import constraints

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    constraints.install(op.get_bind())


def downgrade() -> None:
    """Nothing: older code finds its triggers by name, and these do the same together."""
