"""the page on which a kept form stood"""

import sqlalchemy as sa
from alembic import op

revision = '0038'
down_revision = '0037'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('kept_form', sa.Column('page', sa.String(500), server_default='/desk', nullable=False))


def downgrade() -> None:
    op.drop_column('kept_form', 'page')
