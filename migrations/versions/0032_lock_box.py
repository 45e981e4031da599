"""records that the patient has asked to keep from most of the clinic"""

import sqlalchemy as sa
from alembic import op

revision = '0032'
down_revision = '0031'
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        'lock_box',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('patient_id', sa.Integer(), sa.ForeignKey('patient.id', name='fk_lock_box_patient_id'), nullable=False),
        sa.Column('words', sa.String(500), nullable=False),
        sa.Column('placed_at', INSTANT, nullable=False),
        sa.Column('placed_by', sa.String(80), nullable=False),
        sa.Column('lifted_at', INSTANT, nullable=True),
        sa.Column('lifted_by', sa.String(80), nullable=True),
        sa.CheckConstraint('(lifted_at IS NULL) = (lifted_by IS NULL)', name='lock_box_lifted_by_somebody'),
        sa.PrimaryKeyConstraint('id', name='pk_lock_box'),
    )
    op.create_index('ix_lock_box_patient_id', 'lock_box', ['patient_id'])
    op.create_index('ix_lock_box_lifted_at', 'lock_box', ['lifted_at'])
    op.create_table(
        'lock_box_person',
        sa.Column('lock_box_id', sa.Integer(), sa.ForeignKey('lock_box.id', name='fk_lock_box_person_lock_box_id'), nullable=False),
        sa.Column(
            'staff_user_id', sa.Integer(), sa.ForeignKey('staff_user.id', name='fk_lock_box_person_staff_user_id'), nullable=False
        ),
        sa.PrimaryKeyConstraint('lock_box_id', 'staff_user_id', name='pk_lock_box_person'),
    )
    op.create_table(
        'lock_box_opening',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('lock_box_id', sa.Integer(), sa.ForeignKey('lock_box.id', name='fk_lock_box_opening_lock_box_id'), nullable=False),
        sa.Column('patient_id', sa.Integer(), sa.ForeignKey('patient.id', name='fk_lock_box_opening_patient_id'), nullable=False),
        sa.Column(
            'staff_user_id', sa.Integer(), sa.ForeignKey('staff_user.id', name='fk_lock_box_opening_staff_user_id'), nullable=False
        ),
        sa.Column('reason', sa.String(300), nullable=False),
        sa.Column('opened_at', INSTANT, nullable=False),
        sa.Column('ends_at', INSTANT, nullable=False),
        sa.Column('seen_at', INSTANT, nullable=True),
        sa.Column('seen_by', sa.String(80), nullable=True),
        sa.CheckConstraint('length(reason) > 0', name='lock_box_opening_has_a_reason'),
        sa.PrimaryKeyConstraint('id', name='pk_lock_box_opening'),
    )
    for column in ('lock_box_id', 'patient_id', 'staff_user_id'):
        op.create_index(f'ix_lock_box_opening_{column}', 'lock_box_opening', [column])


def downgrade() -> None:
    op.drop_table('lock_box_opening')
    op.drop_table('lock_box_person')
    op.drop_table('lock_box')
