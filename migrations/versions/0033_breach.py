"""the record of breaches"""

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints
from scheduler.models.constraints import later

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('breach',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('happened_on', sa.Date(), nullable=False),
    sa.Column('kind', sa.String(20), nullable=False),
    sa.Column('people', sa.Integer(), nullable=False),
    sa.Column('what', sa.String(1000), nullable=False),
    sa.Column('whose', sa.String(1000), nullable=False),
    sa.Column('told', sa.String(1000), nullable=False),
    sa.Column('corrects_id', sa.Integer(), nullable=True),
    sa.Column('written_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('written_by', sa.String(80), nullable=False),
    sa.CheckConstraint("kind IN ('stolen', 'lost', 'used', 'disclosed', 'collected')", name='breach_kind_known'),
    sa.CheckConstraint('people >= 0 AND people <= 1000000', name='breach_people_sane'),
    sa.ForeignKeyConstraint(['corrects_id'], ['breach.id'], name=op.f('fk_breach_corrects_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_breach')),
    sa.UniqueConstraint('corrects_id', name=op.f('uq_breach_corrects_id'))
    )
    constraints.install(op.get_bind())


def downgrade() -> None:
    for statement in later.BREACHES_APPEND_ONLY.remove_statements(op.get_bind().dialect.name):
        op.execute(statement)
    op.drop_table('breach')
