"""what each import brought, so that it can be taken back as a whole"""

import sqlalchemy as sa
from alembic import op

revision = '0028'
down_revision = '0027'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'import_run',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('what', sa.String(8), nullable=False),
        sa.Column('file_name', sa.String(120), nullable=False),
        sa.Column('rows', sa.Integer(), nullable=False),
        sa.Column('imported_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('imported_by', sa.String(80), nullable=False),
        sa.Column('taken_back_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('taken_back_by', sa.String(80), nullable=True),
        sa.CheckConstraint("what IN ('patients', 'visits')", name='import_run_of_known_kind'),
        sa.CheckConstraint(
            '(taken_back_at IS NULL) = (taken_back_by IS NULL)', name='import_run_taken_back_by_somebody'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_import_run'),
    )
    op.create_table(
        'imported_row',
        sa.Column('import_run_id', sa.Integer(), nullable=False),
        sa.Column('kind', sa.String(8), nullable=False),
        sa.Column('row_id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('number', sa.String(60), server_default='', nullable=False),
        sa.ForeignKeyConstraint(['import_run_id'], ['import_run.id'], name='fk_imported_row_import_run_id'),
        sa.PrimaryKeyConstraint('import_run_id', 'kind', 'row_id', 'number', name='pk_imported_row'),
    )


def downgrade() -> None:
    op.drop_table('imported_row')
    op.drop_table('import_run')
