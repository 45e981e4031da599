"""no visits on a merged record"""

from alembic import op

from scheduler.models import constraints, constraints_later

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    constraints.install(op.get_bind())


def downgrade() -> None:
    for statement in constraints_later.MERGED_WITHOUT_VISITS.remove_statements(op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
