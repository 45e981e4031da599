"""which number a link to move a visit was texted to

A link made before was texted by the message of the same visit and instant. One of which no such message tells works no
more: it is left out.
"""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None

TEXTED_TO = """
UPDATE move_link SET phone_account_id = (
    SELECT max(phone_account.id) FROM message
      JOIN phone_account ON phone_account.number = message.number
     WHERE message.appointment_id = move_link.appointment_id AND message.created_at = move_link.created_at
       AND message.direction = 'out' AND message.kind IN ('move-link', 'displaced'))
"""


def upgrade() -> None:
    with op.batch_alter_table('move_link') as move_link:
        move_link.add_column(sa.Column('phone_account_id', sa.Integer(), nullable=True))
    op.execute(TEXTED_TO)
    op.execute('DELETE FROM move_link WHERE phone_account_id IS NULL')
    with op.batch_alter_table('move_link') as move_link:
        move_link.alter_column('phone_account_id', existing_type=sa.Integer(), nullable=False)
        move_link.create_foreign_key('fk_move_link_phone_account_id', 'phone_account', ['phone_account_id'], ['id'])


def downgrade() -> None:
    with op.batch_alter_table('move_link') as move_link:
        move_link.drop_constraint('fk_move_link_phone_account_id', type_='foreignkey')
        move_link.drop_column('phone_account_id')
