"""what Twilio asks for a text"""

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('message', sa.Column('price_millionths', sa.Integer(), nullable=True))
    op.add_column('message', sa.Column('price_unit', sa.String(length=3), nullable=True))
    constraints.install(op.get_bind())


def downgrade() -> None:
    for column in ('price_unit', 'price_millionths'):
        op.drop_column('message', column)
