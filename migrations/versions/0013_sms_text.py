"""texts in the owner's words"""

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('sms_text',
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('body', sa.String(length=500), nullable=False),
    sa.CheckConstraint("language IN ('en', 'fr')", name=op.f('sms_text_language_known')),
    sa.PrimaryKeyConstraint('kind', 'language', name=op.f('pk_sms_text'))
    )
    constraints.install(op.get_bind())


def downgrade() -> None:
    op.drop_table('sms_text')
