"""what the owner has put in the place of our pages' words; which texts the provider has been asked to blank"""

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None

STILL_AT_PROVIDER = sa.text("body = '' AND sid IS NOT NULL AND blanked_at_provider_at IS NULL")


def upgrade() -> None:
    op.create_table(
        'page_text',
        sa.Column('page', sa.String(24), nullable=False),
        sa.Column('language', sa.String(2), nullable=False),
        sa.Column('body', sa.Text(), nullable=False),
        sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('changed_by', sa.String(80), nullable=False),
        sa.CheckConstraint("language IN ('en', 'fr')", name='page_text_language_known'),
        sa.PrimaryKeyConstraint('page', 'language'),
    )
    op.add_column('message', sa.Column('blanked_at_provider_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        'ix_message_still_at_provider',
        'message',
        ['id'],
        postgresql_where=STILL_AT_PROVIDER,
        sqlite_where=STILL_AT_PROVIDER,
    )


def downgrade() -> None:
    op.drop_index('ix_message_still_at_provider', table_name='message')
    op.drop_column('message', 'blanked_at_provider_at')
    op.drop_table('page_text')
