"""known browsers, and who may act for whom

A number proves a telephone, not a person: everybody is asked for the birth date once. Children under 16 on a number with
exactly one adult may be acted for by that adult; whoever has no birth date may be an adult too.
"""


import sqlalchemy as sa
from alembic import op

from scheduler import clock
from scheduler.domain.patients.coming_of_age import ADULT, OF_AGE, is_of
from scheduler.models.base import Instant

revision = '0027'
down_revision = '0026'
branch_labels = None
depends_on = None

NOT_ENDED = sa.text('ended_at IS NULL')
patient = sa.table(
    'patient', sa.column('id', sa.Integer), sa.column('phone_account_id', sa.Integer), sa.column('birth_date', sa.Date)
)


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        'known_browser',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('browser_hash', sa.String(length=64), nullable=False),
        sa.Column('patient_id', sa.Integer(), nullable=False),
        sa.Column('phone_account_id', sa.Integer(), nullable=False),
        sa.Column('shared', sa.Boolean(), nullable=False),
        sa.Column('began_at', instant, nullable=False),
        sa.Column('used_at', instant, nullable=False),
        sa.Column('ends_at', instant, nullable=False),
        sa.Column('ended_at', instant, nullable=True),
        sa.Column('ended_why', sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_known_browser_patient_id')),
        sa.ForeignKeyConstraint(['phone_account_id'], ['phone_account.id'], name=op.f('fk_known_browser_phone_account_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_known_browser')),
    )
    op.create_index('ix_known_browser_patient_id', 'known_browser', ['patient_id'])
    op.create_index(
        'one_known_browser_a_patient', 'known_browser', ['browser_hash', 'patient_id'],
        unique=True, sqlite_where=NOT_ENDED, postgresql_where=NOT_ENDED,
    )
    op.create_table(
        'may_act_for',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('actor_id', sa.Integer(), nullable=False),
        sa.Column('patient_id', sa.Integer(), nullable=False),
        sa.Column('kind', sa.String(length=5), nullable=False),
        sa.Column('granted_at', instant, nullable=False),
        sa.Column('granted_by', sa.String(length=80), nullable=False),
        sa.Column('how_asked', sa.String(length=200), nullable=False),
        sa.Column('ended_at', instant, nullable=True),
        sa.Column('ended_by', sa.String(length=80), nullable=True),
        sa.CheckConstraint('actor_id <> patient_id', name='acts_for_another'),
        sa.CheckConstraint("kind IN ('child', 'adult')", name='acting_kind_known'),
        sa.ForeignKeyConstraint(['actor_id'], ['patient.id'], name=op.f('fk_may_act_for_actor_id')),
        sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_may_act_for_patient_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_may_act_for')),
    )
    op.create_index('ix_may_act_for_patient_id', 'may_act_for', ['patient_id'])
    op.create_index(
        'one_acting_a_pair', 'may_act_for', ['actor_id', 'patient_id'],
        unique=True, sqlite_where=NOT_ENDED, postgresql_where=NOT_ENDED,
    )
    op.create_table(
        'private_visit',
        sa.Column('appointment_id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('set_at', instant, nullable=False),
        sa.Column('set_by', sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_private_visit_appointment_id')),
        sa.PrimaryKeyConstraint('appointment_id', name=op.f('pk_private_visit')),
    )
    op.create_table(
        'number_request',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('phone_account_id', sa.Integer(), nullable=False),
        sa.Column('old_number', sa.String(length=16), nullable=False),
        sa.Column('birth_date', sa.Date(), nullable=False),
        sa.Column('asked_at', instant, nullable=False),
        sa.Column('settled_at', instant, nullable=True),
        sa.Column('settled_by', sa.String(length=80), nullable=True),
        sa.Column('patient_id', sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(['phone_account_id'], ['phone_account.id'], name=op.f('fk_number_request_phone_account_id')),
        sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_number_request_patient_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_number_request')),
    )
    op.create_index('ix_number_request_phone_account_id', 'number_request', ['phone_account_id'])
    op.create_index('ix_number_request_asked_at', 'number_request', ['asked_at'])
    with op.batch_alter_table('live_session') as live_session:
        live_session.add_column(sa.Column('known_browser_id', sa.Integer(), nullable=True))
        live_session.create_foreign_key('fk_live_session_known_browser_id', 'known_browser', ['known_browser_id'], ['id'])
    op.create_table(
        'birth_date_asked',
        sa.Column('patient_id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('asked_at', instant, nullable=False),
        sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_birth_date_asked_patient_id')),
        sa.PrimaryKeyConstraint('patient_id', name=op.f('pk_birth_date_asked')),
    )
    _let_the_only_adult_act()


def downgrade() -> None:
    with op.batch_alter_table('live_session') as live_session:
        live_session.drop_constraint('fk_live_session_known_browser_id', type_='foreignkey')
        live_session.drop_column('known_browser_id')
    for table in ('birth_date_asked', 'number_request', 'private_visit', 'may_act_for', 'known_browser'):
        op.drop_table(table)


def _let_the_only_adult_act() -> None:
    connection = op.get_bind()
    today = clock.now().date()
    families: dict[int, list[tuple[int, object]]] = {}
    for row in connection.execute(sa.select(patient).where(patient.c.phone_account_id.is_not(None))):
        families.setdefault(row.phone_account_id, []).append((row.id, row.birth_date))
    now = clock.now()
    granted = []
    for family in families.values():
        children = [key for key, born in family if born is not None and not is_of(OF_AGE, born, today)]
        others = [(key, born) for key, born in family if key not in children]
        if len(others) == 1 and is_of(ADULT, others[0][1], today):
            granted += [(others[0][0], child) for child in children]
    acting = sa.table(
        'may_act_for', *(sa.column(name) for name in ('actor_id', 'patient_id', 'kind', 'granted_by', 'how_asked')),
        sa.column('granted_at', Instant),
    )
    if granted:
        connection.execute(sa.insert(acting), [
            {'actor_id': adult, 'patient_id': child, 'kind': 'child', 'granted_at': now, 'granted_by': 'system:upgrade',
             'how_asked': 'the only adult on the number'}
            for adult, child in granted
        ])
