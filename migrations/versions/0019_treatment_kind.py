"""kinds of treatment: assessment, ims, other

What needled is of kind ims. The one treatment that is called an assessment is of that kind; where there are several, or
none, the owner is asked at the desk.
"""

import re
import unicodedata

import click
import sqlalchemy as sa
from alembic import op

from scheduler.models import constraints

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None

ASSESSMENT = re.compile(r"assess|\bevaluat|\bbilan\b|\b(first|initial) (visit|consult|exam|appoint)|\b(premiere|consultation|visite) (visite|consultation|initiale)")
KEPT = "id, slug, name_en, name_fr, minutes, buffer_minutes, spacing_group_id, needs_clearance, online, position"
CHECKS = {
    'ims_is_needling': ("slug <> 'ims' OR kind = 'ims'", "slug <> 'ims' OR needling"),
    'needling_treatment_is_spaced': (
        "kind <> 'ims' OR spacing_group_id IS NOT NULL",
        'NOT needling OR spacing_group_id IS NOT NULL',
    ),
    'ims_needs_clearance': ("kind <> 'ims' OR needs_clearance", None),
    'treatment_kind_known': ("kind IN ('assessment', 'ims', 'other')", None),
}
IN_GROUP = 'needling_treatment_in_needling_group'
COLUMNS = (['spacing_group_id', 'needling'], ['id', 'needling'])


def upgrade() -> None:
    _require_one_ims_group()
    op.execute('UPDATE treatment SET needs_clearance = true WHERE needling AND NOT needs_clearance')
    op.execute(  # of no effect until now: who may not needle was not offered with IMS
        'DELETE FROM practitioner_treatment WHERE treatment_id IN (SELECT id FROM treatment WHERE needling) '
        'AND practitioner_id IN (SELECT id FROM practitioner WHERE NOT can_needle)'
    )
    if op.get_bind().dialect.name == 'sqlite':
        _make_anew(
            [_kind(), _needling(derived=True), _on_purpose()],
            [sa.CheckConstraint(after, name=op.f(name)) for name, (after, _before) in CHECKS.items()],
            {'kind': "CASE WHEN needling THEN 'ims' ELSE 'other' END", 'named_so_on_purpose': 'false'},
        )
    else:
        op.add_column('treatment', _kind(server_default='other'))
        op.execute("UPDATE treatment SET kind = 'ims' WHERE needling")
        op.drop_column('treatment', 'needling')  # with what hangs on it
        op.add_column('treatment', _needling(derived=True))
        op.add_column('treatment', _on_purpose(server_default=sa.false()))
        for column in ('kind', 'named_so_on_purpose'):
            op.alter_column('treatment', column, server_default=None)
        for name, (after, _before) in CHECKS.items():
            op.create_check_constraint(op.f(name), 'treatment', after)
        op.create_foreign_key(IN_GROUP, 'treatment', 'spacing_group', *COLUMNS)
    _choose_assessment()
    op.create_index(
        'one_ims_group', 'spacing_group', ['needling'], unique=True,
        postgresql_where=sa.text('needling'), sqlite_where=sa.text('needling = 1'),
    )
    constraints.install(op.get_bind())


def downgrade() -> None:
    op.drop_index('one_ims_group', 'spacing_group')
    before = {name: rule for name, (_after, rule) in CHECKS.items() if rule}
    if op.get_bind().dialect.name == 'sqlite':
        _make_anew(
            [_needling(derived=False)],
            [sa.CheckConstraint(rule, name=op.f(name)) for name, rule in before.items()],
            {'needling': 'needling'},
        )
    else:
        op.add_column('treatment', sa.Column('needled', sa.Boolean(), nullable=False, server_default=sa.false()))
        op.execute("UPDATE treatment SET needled = true WHERE kind = 'ims'")
        for column in ('needling', 'kind', 'named_so_on_purpose'):
            op.drop_column('treatment', column)
        op.alter_column('treatment', 'needled', new_column_name='needling', server_default=None)
        for name, rule in before.items():
            op.create_check_constraint(op.f(name), 'treatment', rule)
        op.create_foreign_key(IN_GROUP, 'treatment', 'spacing_group', *COLUMNS)
    constraints.install(op.get_bind())


def _kind(**more: object) -> sa.Column:
    return sa.Column('kind', sa.String(length=12), nullable=False, **more)


def _on_purpose(**more: object) -> sa.Column:
    return sa.Column('named_so_on_purpose', sa.Boolean(), nullable=False, **more)


def _needling(*, derived: bool) -> sa.Column:
    computed = [sa.Computed("kind = 'ims'", persisted=True)] if derived else []
    return sa.Column('needling', sa.Boolean(), *computed, nullable=False)


def _make_anew(columns: list[sa.Column], checks: list[sa.CheckConstraint], filled: dict[str, str]) -> None:
    """SQLite adds no derived column that is stored. Visits point here: their foreign keys are looked at again when the
    rows are back, under the same name."""
    op.execute('PRAGMA defer_foreign_keys = ON')
    op.execute('CREATE TABLE treatment_before AS SELECT * FROM treatment')
    op.drop_table('treatment')
    op.create_table(
        'treatment',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('slug', sa.String(length=40), nullable=False),
        sa.Column('name_en', sa.String(length=80), nullable=False),
        sa.Column('name_fr', sa.String(length=80), nullable=False),
        sa.Column('minutes', sa.Integer(), nullable=False),
        sa.Column('buffer_minutes', sa.Integer(), nullable=False),
        sa.Column('spacing_group_id', sa.Integer(), nullable=True),
        sa.Column('needs_clearance', sa.Boolean(), nullable=False),
        sa.Column('online', sa.Boolean(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        *columns,
        *checks,
        sa.CheckConstraint('buffer_minutes BETWEEN 0 AND 120', name=op.f('treatment_buffer_minutes')),
        sa.CheckConstraint('minutes BETWEEN 5 AND 480', name=op.f('treatment_minutes')),
        sa.ForeignKeyConstraint(
            COLUMNS[0], [f'spacing_group.{column}' for column in COLUMNS[1]], name=IN_GROUP
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_treatment')),
        sa.UniqueConstraint('slug', name=op.f('uq_treatment_slug')),
    )
    op.execute(
        f"INSERT INTO treatment ({KEPT}, {', '.join(filled)}) SELECT {KEPT}, {', '.join(filled.values())} "
        'FROM treatment_before ORDER BY id'
    )
    op.execute('DROP TABLE treatment_before')


def _choose_assessment() -> None:
    rows = op.get_bind().execute(
        sa.text("SELECT id, slug, name_en, name_fr FROM treatment WHERE kind = 'other' AND NOT needs_clearance")
    )
    called_so = [row.id for row in rows if any(ASSESSMENT.search(_bare(name)) for name in row[1:])]
    if len(called_so) == 1:
        op.execute(f"UPDATE treatment SET kind = 'assessment' WHERE id = {int(called_so[0])}")


def _bare(name: str) -> str:
    apart = unicodedata.normalize('NFKD', name.casefold())
    return ''.join(sign for sign in apart if not unicodedata.combining(sign))


def _require_one_ims_group() -> None:
    groups = op.get_bind().scalars(sa.text('SELECT slug FROM spacing_group WHERE needling ORDER BY id')).all()
    if len(groups) > 1:
        raise click.ClickException(
            f"nothing was upgraded: IMS is in several spacing groups ({', '.join(groups)}), so that its visits do not "
            "count for each other. Put every IMS treatment into one group with the version before."
        )
