"""The clinic, its patients and their appointments"""

import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('api_token',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('role', sa.String(length=14), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("role IN ('receptionist', 'practitioner', 'owner')", name=op.f('token_role_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_token')),
    sa.UniqueConstraint('name', name=op.f('uq_api_token_name')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_api_token_token_hash'))
    )
    op.create_table('calendar_state',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('reference_version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('one_calendar_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_state'))
    )
    op.create_table('closure',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('starts_local', sa.DateTime(), nullable=False),
    sa.Column('ends_local', sa.DateTime(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.CheckConstraint('ends_local > starts_local', name=op.f('closure_ends_after_start')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_closure'))
    )
    op.create_index(op.f('ix_closure_ends_local'), 'closure', ['ends_local'], unique=False)
    op.create_table('heartbeat',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_heartbeat'))
    )
    op.create_table('phone_account',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=16), nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('verified_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('opted_out_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('opted_out_by', sa.String(length=40), nullable=True),
    sa.Column('unreachable_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('unreachable_why', sa.String(length=80), nullable=True),
    sa.Column('sign_in_epoch', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_phone_account')),
    sa.UniqueConstraint('number', name=op.f('uq_phone_account_number'))
    )
    op.create_table('practitioner',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('given_name', sa.String(length=80), nullable=False),
    sa.Column('family_name', sa.String(length=80), nullable=False),
    sa.Column('can_needle', sa.Boolean(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('calendar_version', sa.Integer(), server_default='1', nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_practitioner')),
    sa.UniqueConstraint('slug', name=op.f('uq_practitioner_slug'))
    )
    op.create_table('rate_counter',
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_rate_counter'))
    )
    op.create_index('ix_rate_counter_ends_at', 'rate_counter', ['ends_at'], unique=False)
    op.create_table('room',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_room')),
    sa.UniqueConstraint('name', name=op.f('uq_room_name'))
    )
    op.create_table('sign_in_code',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('challenge', sa.String(length=32), nullable=False),
    sa.Column('number', sa.String(length=16), nullable=False),
    sa.Column('code_hmac', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_code')),
    sa.UniqueConstraint('challenge', name=op.f('uq_sign_in_code_challenge'))
    )
    op.create_index(op.f('ix_sign_in_code_number'), 'sign_in_code', ['number'], unique=False)
    op.create_table('spacing_group',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('slug', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('min_days', sa.Integer(), nullable=False),
    sa.Column('needling', sa.Boolean(), nullable=False),
    sa.CheckConstraint("slug <> 'ims' OR needling", name=op.f('ims_group_is_needling')),
    sa.CheckConstraint('NOT needling OR min_days >= 7', name=op.f('ims_min_days_at_least_7')),
    sa.CheckConstraint('min_days >= 0', name=op.f('min_days_not_negative')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_spacing_group')),
    sa.UniqueConstraint('id', 'needling', name=op.f('uq_spacing_group_id_needling')),
    sa.UniqueConstraint('slug', name=op.f('uq_spacing_group_slug'))
    )
    op.create_table('staff_user',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('username', sa.String(length=60), nullable=False),
    sa.Column('display_name', sa.String(length=100), nullable=False),
    sa.Column('role', sa.String(length=14), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('sign_in_epoch', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_sign_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("role IN ('receptionist', 'practitioner', 'owner')", name=op.f('staff_role_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_user')),
    sa.UniqueConstraint('username', name=op.f('uq_staff_user_username'))
    )
    op.create_table('idempotent_answer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('api_token_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=200), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('body', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['api_token_id'], ['api_token.id'], name=op.f('fk_idempotent_answer_api_token_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_idempotent_answer')),
    sa.UniqueConstraint('api_token_id', 'key', name='one_answer_a_key')
    )
    op.create_index(op.f('ix_idempotent_answer_created_at'), 'idempotent_answer', ['created_at'], unique=False)
    op.create_table('patient',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('given_name', sa.String(length=100), nullable=False),
    sa.Column('family_name', sa.String(length=100), nullable=False),
    sa.Column('birth_date', sa.Date(), nullable=True),
    sa.Column('phone_account_id', sa.Integer(), nullable=True),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('cleared_for_ims_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cleared_by', sa.String(length=80), nullable=True),
    sa.Column('feed_token', sa.String(length=48), nullable=False),
    sa.Column('calendar_version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('length(given_name) > 0 AND length(family_name) > 0', name=op.f('patient_has_a_name')),
    sa.ForeignKeyConstraint(['phone_account_id'], ['phone_account.id'], name=op.f('fk_patient_phone_account_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patient')),
    sa.UniqueConstraint('feed_token', name=op.f('uq_patient_feed_token')),
    sa.UniqueConstraint('public_id', name=op.f('uq_patient_public_id'))
    )
    op.create_index(op.f('ix_patient_phone_account_id'), 'patient', ['phone_account_id'], unique=False)
    op.create_table('time_off',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('practitioner_id', sa.Integer(), nullable=False),
    sa.Column('starts_local', sa.DateTime(), nullable=False),
    sa.Column('ends_local', sa.DateTime(), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.CheckConstraint('ends_local > starts_local', name=op.f('time_off_ends_after_start')),
    sa.ForeignKeyConstraint(['practitioner_id'], ['practitioner.id'], name=op.f('fk_time_off_practitioner_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_time_off'))
    )
    op.create_index(op.f('ix_time_off_ends_local'), 'time_off', ['ends_local'], unique=False)
    op.create_index(op.f('ix_time_off_practitioner_id'), 'time_off', ['practitioner_id'], unique=False)
    op.create_table('treatment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('slug', sa.String(length=40), nullable=False),
    sa.Column('name_en', sa.String(length=80), nullable=False),
    sa.Column('name_fr', sa.String(length=80), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('buffer_minutes', sa.Integer(), nullable=False),
    sa.Column('spacing_group_id', sa.Integer(), nullable=True),
    sa.Column('needling', sa.Boolean(), nullable=False),
    sa.Column('needs_clearance', sa.Boolean(), nullable=False),
    sa.Column('online', sa.Boolean(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.CheckConstraint("slug <> 'ims' OR needling", name=op.f('ims_is_needling')),
    sa.CheckConstraint('NOT needling OR spacing_group_id IS NOT NULL', name=op.f('needling_treatment_is_spaced')),
    sa.CheckConstraint('buffer_minutes BETWEEN 0 AND 120', name=op.f('treatment_buffer_minutes')),
    sa.CheckConstraint('minutes BETWEEN 5 AND 480', name=op.f('treatment_minutes')),
    sa.ForeignKeyConstraint(['spacing_group_id', 'needling'], ['spacing_group.id', 'spacing_group.needling'], name='needling_treatment_in_needling_group'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_treatment')),
    sa.UniqueConstraint('slug', name=op.f('uq_treatment_slug'))
    )
    op.create_table('working_hours',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('practitioner_id', sa.Integer(), nullable=False),
    sa.Column('weekday', sa.Integer(), nullable=False),
    sa.Column('opens', sa.Time(), nullable=False),
    sa.Column('closes', sa.Time(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.CheckConstraint('weekday BETWEEN 0 AND 6', name=op.f('weekday_of_week')),
    sa.ForeignKeyConstraint(['practitioner_id'], ['practitioner.id'], name=op.f('fk_working_hours_practitioner_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_working_hours'))
    )
    op.create_index(op.f('ix_working_hours_practitioner_id'), 'working_hours', ['practitioner_id'], unique=False)
    op.create_table('appointment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('patient_id', sa.Integer(), nullable=True),
    sa.Column('practitioner_id', sa.Integer(), nullable=True),
    sa.Column('room_id', sa.Integer(), nullable=True),
    sa.Column('treatment_id', sa.Integer(), nullable=False),
    sa.Column('origin', sa.String(length=12), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('active', sa.Boolean(), sa.Computed("status IN ('held', 'booked', 'confirmed', 'arrived', 'completed')", persisted=True), nullable=False),
    sa.Column('starts_local', sa.DateTime(), nullable=False),
    sa.Column('zone', sa.String(length=40), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('buffer_minutes', sa.Integer(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('busy_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('spacing_group_id', sa.Integer(), nullable=True),
    sa.Column('spacing_days', sa.Integer(), nullable=True),
    sa.Column('counts_from_local', sa.DateTime(), nullable=False),
    sa.Column('time_known', sa.Boolean(), nullable=False),
    sa.Column('hold_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('held_for', sa.String(length=48), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('schedule_version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_by', sa.String(length=80), nullable=False),
    sa.Column('changed_why', sa.String(length=500), nullable=True),
    sa.CheckConstraint("origin <> 'elsewhere' OR status IN ('completed', 'cancelled')", name=op.f('elsewhere_is_past')),
    sa.CheckConstraint("origin = 'elsewhere' OR (practitioner_id IS NOT NULL AND room_id IS NOT NULL)", name=op.f('appointment_has_a_place')),
    sa.CheckConstraint("origin = 'elsewhere' OR counts_from_local = starts_local", name=op.f('appointment_counts_from_its_start')),
    sa.CheckConstraint("status <> 'held' OR hold_until IS NOT NULL", name=op.f('hold_has_an_end')),
    sa.CheckConstraint("status IN ('held', 'booked', 'confirmed', 'arrived', 'completed', 'cancelled', 'no_show', 'expired')", name=op.f('appointment_status_known')),
    sa.CheckConstraint("status IN ('held', 'expired', 'cancelled') OR patient_id IS NOT NULL", name=op.f('appointment_has_a_patient')),
    sa.CheckConstraint('(spacing_group_id IS NULL) = (spacing_days IS NULL)', name=op.f('spacing_days_with_group')),
    sa.CheckConstraint('ends_at > starts_at AND busy_until >= ends_at', name=op.f('appointment_ends_after_start')),
    sa.CheckConstraint('length(changed_by) > 0', name=op.f('appointment_change_has_an_author')),
    sa.CheckConstraint('minutes BETWEEN 1 AND 720', name=op.f('appointment_at_most_12_hours')),
    sa.CheckConstraint('version >= 1 AND schedule_version BETWEEN 1 AND version', name=op.f('appointment_versions')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_appointment_patient_id')),
    sa.ForeignKeyConstraint(['practitioner_id'], ['practitioner.id'], name=op.f('fk_appointment_practitioner_id')),
    sa.ForeignKeyConstraint(['room_id'], ['room.id'], name=op.f('fk_appointment_room_id')),
    sa.ForeignKeyConstraint(['spacing_group_id'], ['spacing_group.id'], name=op.f('fk_appointment_spacing_group_id')),
    sa.ForeignKeyConstraint(['treatment_id'], ['treatment.id'], name=op.f('fk_appointment_treatment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appointment')),
    sa.UniqueConstraint('public_id', name=op.f('uq_appointment_public_id'))
    )
    op.create_index('ix_appointment_hold_until', 'appointment', ['hold_until'], unique=False, postgresql_where=sa.text("status = 'held'"), sqlite_where=sa.text("status = 'held'"))
    op.create_index('ix_appointment_patient_starts', 'appointment', ['patient_id', 'starts_at'], unique=False)
    op.create_index('ix_appointment_practitioner_active', 'appointment', ['practitioner_id', 'starts_at'], unique=False, postgresql_where=sa.text('active'), sqlite_where=sa.text('active = 1'))
    op.create_index('ix_appointment_room_active', 'appointment', ['room_id', 'starts_at'], unique=False, postgresql_where=sa.text('active'), sqlite_where=sa.text('active = 1'))
    op.create_index('ix_appointment_starts_active', 'appointment', ['starts_local'], unique=False, postgresql_where=sa.text('active'), sqlite_where=sa.text('active = 1'))
    op.create_index('ix_appointment_starts_inactive', 'appointment', ['starts_local'], unique=False, postgresql_where=sa.text('NOT active'), sqlite_where=sa.text('active = 0'))
    op.create_table('practitioner_treatment',
    sa.Column('practitioner_id', sa.Integer(), nullable=False),
    sa.Column('treatment_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['practitioner_id'], ['practitioner.id'], name=op.f('fk_practitioner_treatment_practitioner_id')),
    sa.ForeignKeyConstraint(['treatment_id'], ['treatment.id'], name=op.f('fk_practitioner_treatment_treatment_id')),
    sa.PrimaryKeyConstraint('practitioner_id', 'treatment_id', name=op.f('pk_practitioner_treatment'))
    )
    op.create_table('appointment_history',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appointment_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_by', sa.String(length=80), nullable=False),
    sa.Column('changed_why', sa.String(length=500), nullable=True),
    sa.Column('from_status', sa.String(length=12), nullable=True),
    sa.Column('to_status', sa.String(length=12), nullable=False),
    sa.Column('from_starts_local', sa.DateTime(), nullable=True),
    sa.Column('to_starts_local', sa.DateTime(), nullable=False),
    sa.Column('from_practitioner_id', sa.Integer(), nullable=True),
    sa.Column('to_practitioner_id', sa.Integer(), nullable=True),
    sa.Column('from_room_id', sa.Integer(), nullable=True),
    sa.Column('to_room_id', sa.Integer(), nullable=True),
    sa.Column('from_spacing_group_id', sa.Integer(), nullable=True),
    sa.Column('to_spacing_group_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_appointment_history_appointment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appointment_history'))
    )
    op.create_index(op.f('ix_appointment_history_appointment_id'), 'appointment_history', ['appointment_id'], unique=False)
    op.create_table('booking_draft',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token', sa.String(length=32), nullable=False),
    sa.Column('browser', sa.String(length=48), nullable=False),
    sa.Column('fields', sa.JSON(), nullable=False),
    sa.Column('appointment_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_booking_draft_appointment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_booking_draft')),
    sa.UniqueConstraint('token', name=op.f('uq_booking_draft_token'))
    )
    op.create_index(op.f('ix_booking_draft_browser'), 'booking_draft', ['browser'], unique=False)
    op.create_index(op.f('ix_booking_draft_changed_at'), 'booking_draft', ['changed_at'], unique=False)
    op.create_table('reminder',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appointment_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('reason', sa.String(length=80), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("status IN ('planned', 'attempting', 'sent', 'superseded', 'suppressed', 'failed', 'in_doubt')", name=op.f('reminder_status_known')),
    sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_reminder_appointment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminder')),
    sa.UniqueConstraint('appointment_id', 'version', 'kind', name='one_reminder_of_a_kind')
    )
    op.create_index('ix_reminder_due', 'reminder', ['next_attempt_at'], unique=False, postgresql_where=sa.text("status = 'planned'"), sqlite_where=sa.text("status = 'planned'"))
    op.create_index('ix_reminder_unsettled', 'reminder', ['status', 'next_attempt_at'], unique=False, postgresql_where=sa.text("status IN ('attempting', 'in_doubt')"), sqlite_where=sa.text("status IN ('attempting', 'in_doubt')"))
    op.create_table('screening',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appointment_id', sa.Integer(), nullable=False),
    sa.Column('patient_id', sa.Integer(), nullable=False),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.Column('flagged', sa.Boolean(), nullable=False),
    sa.Column('needled_elsewhere_on', sa.Date(), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_screening_appointment_id')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_screening_patient_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_screening')),
    sa.UniqueConstraint('appointment_id', name=op.f('uq_screening_appointment_id'))
    )
    op.create_index(op.f('ix_screening_patient_id'), 'screening', ['patient_id'], unique=False)
    op.create_table('message',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('attempt_id', sa.String(length=32), nullable=False),
    sa.Column('direction', sa.String(length=3), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('gateway', sa.String(length=12), nullable=False),
    sa.Column('sid', sa.String(length=64), nullable=True),
    sa.Column('error_code', sa.String(length=16), nullable=True),
    sa.Column('opt_word', sa.String(length=12), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reminder_id', sa.Integer(), nullable=True),
    sa.Column('appointment_id', sa.Integer(), nullable=True),
    sa.Column('patient_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("direction IN ('out', 'in')", name=op.f('message_direction_known')),
    sa.CheckConstraint("status IN ('queued', 'attempting', 'in_doubt', 'accepted', 'sent', 'delivered', 'undelivered', 'failed', 'expired', 'received')", name=op.f('message_status_known')),
    sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_message_appointment_id')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_message_patient_id')),
    sa.ForeignKeyConstraint(['reminder_id'], ['reminder.id'], name=op.f('fk_message_reminder_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message')),
    sa.UniqueConstraint('attempt_id', name=op.f('uq_message_attempt_id')),
    sa.UniqueConstraint('sid', name=op.f('uq_message_sid'))
    )
    op.create_index(op.f('ix_message_appointment_id'), 'message', ['appointment_id'], unique=False)
    op.create_index(op.f('ix_message_created_at'), 'message', ['created_at'], unique=False)
    op.create_index(op.f('ix_message_number'), 'message', ['number'], unique=False)
    op.create_index(op.f('ix_message_patient_id'), 'message', ['patient_id'], unique=False)
    op.create_index(op.f('ix_message_reminder_id'), 'message', ['reminder_id'], unique=False)
    op.create_index('ix_message_waiting', 'message', ['status', 'created_at'], unique=False, postgresql_where=sa.text("status IN ('queued', 'attempting', 'in_doubt')"), sqlite_where=sa.text("status IN ('queued', 'attempting', 'in_doubt')"))
    op.execute("INSERT INTO calendar_state (id, reference_version) VALUES (1, 1)")
    constraints.install(op.get_bind())


def downgrade() -> None:
    constraints.remove(op.get_bind())
    op.drop_index('ix_message_waiting', table_name='message', postgresql_where=sa.text("status IN ('queued', 'attempting', 'in_doubt')"), sqlite_where=sa.text("status IN ('queued', 'attempting', 'in_doubt')"))
    op.drop_index(op.f('ix_message_reminder_id'), table_name='message')
    op.drop_index(op.f('ix_message_patient_id'), table_name='message')
    op.drop_index(op.f('ix_message_number'), table_name='message')
    op.drop_index(op.f('ix_message_created_at'), table_name='message')
    op.drop_index(op.f('ix_message_appointment_id'), table_name='message')
    op.drop_table('message')
    op.drop_index(op.f('ix_screening_patient_id'), table_name='screening')
    op.drop_table('screening')
    op.drop_index('ix_reminder_unsettled', table_name='reminder', postgresql_where=sa.text("status IN ('attempting', 'in_doubt')"), sqlite_where=sa.text("status IN ('attempting', 'in_doubt')"))
    op.drop_index('ix_reminder_due', table_name='reminder', postgresql_where=sa.text("status = 'planned'"), sqlite_where=sa.text("status = 'planned'"))
    op.drop_table('reminder')
    op.drop_index(op.f('ix_booking_draft_changed_at'), table_name='booking_draft')
    op.drop_index(op.f('ix_booking_draft_browser'), table_name='booking_draft')
    op.drop_table('booking_draft')
    op.drop_index(op.f('ix_appointment_history_appointment_id'), table_name='appointment_history')
    op.drop_table('appointment_history')
    op.drop_table('practitioner_treatment')
    op.drop_index('ix_appointment_starts_inactive', table_name='appointment', postgresql_where=sa.text('NOT active'), sqlite_where=sa.text('active = 0'))
    op.drop_index('ix_appointment_starts_active', table_name='appointment', postgresql_where=sa.text('active'), sqlite_where=sa.text('active = 1'))
    op.drop_index('ix_appointment_room_active', table_name='appointment', postgresql_where=sa.text('active'), sqlite_where=sa.text('active = 1'))
    op.drop_index('ix_appointment_practitioner_active', table_name='appointment', postgresql_where=sa.text('active'), sqlite_where=sa.text('active = 1'))
    op.drop_index('ix_appointment_patient_starts', table_name='appointment')
    op.drop_index('ix_appointment_hold_until', table_name='appointment', postgresql_where=sa.text("status = 'held'"), sqlite_where=sa.text("status = 'held'"))
    op.drop_table('appointment')
    op.drop_index(op.f('ix_working_hours_practitioner_id'), table_name='working_hours')
    op.drop_table('working_hours')
    op.drop_table('treatment')
    op.drop_index(op.f('ix_time_off_practitioner_id'), table_name='time_off')
    op.drop_index(op.f('ix_time_off_ends_local'), table_name='time_off')
    op.drop_table('time_off')
    op.drop_index(op.f('ix_patient_phone_account_id'), table_name='patient')
    op.drop_table('patient')
    op.drop_index(op.f('ix_idempotent_answer_created_at'), table_name='idempotent_answer')
    op.drop_table('idempotent_answer')
    op.drop_table('staff_user')
    op.drop_table('spacing_group')
    op.drop_index(op.f('ix_sign_in_code_number'), table_name='sign_in_code')
    op.drop_table('sign_in_code')
    op.drop_table('room')
    op.drop_index('ix_rate_counter_ends_at', table_name='rate_counter')
    op.drop_table('rate_counter')
    op.drop_table('practitioner')
    op.drop_table('phone_account')
    op.drop_table('heartbeat')
    op.drop_index(op.f('ix_closure_ends_local'), table_name='closure')
    op.drop_table('closure')
    op.drop_table('calendar_state')
    op.drop_table('api_token')
