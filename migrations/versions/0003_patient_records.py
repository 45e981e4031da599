"""What is kept of patients: a version, a note, restriction, merged records; the audit log; calls made"""

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints
from scheduler.models.constraints import later

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('patient', sa.Column('version', sa.Integer(), server_default='1', nullable=False))
    op.add_column('patient', sa.Column('note', sa.Text(), server_default='', nullable=False))
    op.add_column('patient', sa.Column('restricted_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('patient', sa.Column('restricted_by', sa.String(length=80), nullable=True))
    op.create_table('patient_merge',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('merged_patient_id', sa.Integer(), nullable=False),
    sa.Column('kept_patient_id', sa.Integer(), nullable=False),
    sa.Column('merged_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('merged_by', sa.String(length=80), nullable=False),
    sa.Column('moved', sa.JSON(), nullable=False),
    sa.CheckConstraint('kept_patient_id <> merged_patient_id', name=op.f('merged_into_another')),
    sa.ForeignKeyConstraint(['kept_patient_id'], ['patient.id'], name=op.f('fk_patient_merge_kept_patient_id')),
    sa.ForeignKeyConstraint(['merged_patient_id'], ['patient.id'], name=op.f('fk_patient_merge_merged_patient_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patient_merge')),
    sa.UniqueConstraint('merged_patient_id', name=op.f('uq_patient_merge_merged_patient_id'))
    )
    op.create_index(op.f('ix_patient_merge_kept_patient_id'), 'patient_merge', ['kept_patient_id'])
    op.create_table('audit_line',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.String(length=80), nullable=False),
    sa.Column('what', sa.String(length=40), nullable=False),
    sa.Column('patient_id', sa.Integer(), nullable=True),
    sa.Column('details', sa.String(length=300), nullable=False),
    sa.Column('address', sa.String(length=45), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_audit_line_patient_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_line'))
    )
    op.create_index('ix_audit_line_patient_id_id', 'audit_line', ['patient_id', 'id'])
    op.create_index('ix_audit_line_actor_id', 'audit_line', ['actor', 'id'])
    op.create_index('ix_audit_line_at_id', 'audit_line', ['at', 'id'])
    op.create_table('reminder_call',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appointment_id', sa.Integer(), nullable=False),
    sa.Column('schedule_version', sa.Integer(), nullable=False),
    sa.Column('called_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('called_by', sa.String(length=80), nullable=False),
    sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_reminder_call_appointment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminder_call')),
    sa.UniqueConstraint('appointment_id', 'schedule_version', name='one_call_a_version')
    )
    constraints.install(op.get_bind())


def downgrade() -> None:
    for statement in later.AUDIT_APPEND_ONLY.remove_statements(op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
    op.drop_table('reminder_call')
    op.drop_table('audit_line')
    op.drop_table('patient_merge')
    for column in ('restricted_by', 'restricted_at', 'note', 'version'):
        op.drop_column('patient', column)
