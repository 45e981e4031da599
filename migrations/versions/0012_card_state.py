"""a number that rises with whatever the cards of the desk's calendar show"""

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints
from scheduler.models.constraints import later

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('card_state',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('one_card_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_state'))
    )
    op.execute("INSERT INTO card_state (id, version) VALUES (1, 1)")
    constraints.install(op.get_bind())


def downgrade() -> None:
    for statement in later.CARD_CHANGED.remove_statements(op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
    op.drop_table('card_state')
