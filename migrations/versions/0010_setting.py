"""the clinic's settings, as the owner sets them"""

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('setting',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('value', sa.String(length=500), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_setting'))
    )
    constraints.install(op.get_bind())


def downgrade() -> None:
    op.drop_table('setting')
