"""bearer tokens end, those made before a year from now; room for the sealed secret of a second step"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = '0025'
down_revision = '0024'
branch_labels = None
depends_on = None

A_YEAR = timedelta(days=365)
LONG_AGO = '1970-01-01 00:00:00.000000+00'


def upgrade() -> None:
    # SQLite adds no column without a default to rows that are there; a token that says nothing has ended.
    default = LONG_AGO.removesuffix('+00') if op.get_bind().dialect.name == 'sqlite' else LONG_AGO
    op.add_column(
        'api_token', sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False, server_default=default)
    )
    tokens = sa.table('api_token', sa.column('ends_at', sa.DateTime(timezone=True)))
    op.execute(tokens.update().values(ends_at=datetime.now(UTC) + A_YEAR))
    resize('totp_secret', 64, 255)


def downgrade() -> None:
    # A sealed secret is of no use to the code of before, and does not fit: those people set up the second step anew.
    op.execute('UPDATE staff_user SET totp_secret = NULL WHERE length(totp_secret) > 64')
    resize('totp_secret', 255, 64)
    op.drop_column('api_token', 'ends_at')


def resize(name: str, before: int, after: int) -> None:
    """SQLite cannot change a column, and to make the table anew would break the keys that point to it."""
    if op.get_bind().dialect.name != 'sqlite':
        op.alter_column('staff_user', name, existing_type=sa.String(before), type_=sa.String(after))
        return
    op.add_column('staff_user', sa.Column('resized', sa.String(after), nullable=True))
    op.execute(f'UPDATE staff_user SET resized = {name}')
    op.drop_column('staff_user', name)
    op.execute(f'ALTER TABLE staff_user RENAME COLUMN resized TO {name}')
