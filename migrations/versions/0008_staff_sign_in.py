"""staff sign in with a second step: an authenticator's secret, recovery codes; temporary passwords

"""

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('staff_user', sa.Column('totp_secret', sa.String(64), nullable=True))
    op.add_column('staff_user', sa.Column('totp_step', sa.Integer(), server_default='0', nullable=False))
    op.add_column('staff_user', sa.Column('password_temporary', sa.Boolean(), server_default=sa.false(), nullable=False))
    if op.get_bind().dialect.name == 'sqlite':  # which adds a reference only together with its column
        op.execute('ALTER TABLE staff_user ADD COLUMN practitioner_id INTEGER '
                   'CONSTRAINT fk_staff_user_practitioner_id REFERENCES practitioner (id)')
    else:
        op.add_column('staff_user', sa.Column('practitioner_id', sa.Integer(), nullable=True))
        op.create_foreign_key('fk_staff_user_practitioner_id', 'staff_user', 'practitioner', ['practitioner_id'], ['id'])
    op.create_table('recovery_code',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('staff_user_id', sa.Integer(), nullable=False),
    sa.Column('code_hash', sa.String(64), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['staff_user_id'], ['staff_user.id'], name=op.f('fk_recovery_code_staff_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recovery_code'))
    )
    op.create_index(op.f('ix_recovery_code_staff_user_id'), 'recovery_code', ['staff_user_id'])
    constraints.install(op.get_bind())


def downgrade() -> None:
    op.drop_table('recovery_code')
    if op.get_bind().dialect.name == 'postgresql':
        op.drop_constraint('fk_staff_user_practitioner_id', 'staff_user', type_='foreignkey')
    for column in ('practitioner_id', 'password_temporary', 'totp_step', 'totp_secret'):
        op.drop_column('staff_user', column)
