"""new calendar addresses for records whose number changed or was wrong, or that were restricted or merged

Until now an address went on showing the visits after each of these.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None

STALE = """
SELECT patient.id FROM patient
 WHERE patient.restricted_at IS NOT NULL
    OR patient.id IN (SELECT patient_id FROM wrong_number WHERE lifted_at IS NULL)
    OR patient.id IN (SELECT kept_patient_id FROM patient_merge)
    OR patient.id IN (SELECT patient_id FROM audit_line
                       WHERE what = 'patient.changed'
                         AND (details LIKE '%phone_account%' OR details LIKE 'wrong number: no more texts%'))
"""


def upgrade() -> None:
    connection = op.get_bind()
    stale = [{'patient': row[0], 'token': secrets.token_urlsafe(24)} for row in connection.execute(sa.text(STALE))]
    if stale:
        connection.execute(sa.text('UPDATE patient SET feed_token = :token WHERE id = :patient'), stale)


def downgrade() -> None:
    """The old addresses are gone, and should be."""
