"""The migration that lets tokens end and makes room for sealed secrets, on both engines with rows of before."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from scheduler.models import ApiToken, StaffUser
from tests.factories import NOW
from tests.models.test_migrations import alembic_run

BEFORE = "0024"


def test_tokens_and_second_steps_of_before_live_on_and_the_tokens_end_in_a_year(engine: Engine) -> None:
    insert = "INSERT INTO api_token (name, role, token_hash, created_at) VALUES ('old', 'owner', 'h', :now)"
    staff = (
        "INSERT INTO staff_user (username, display_name, role, password_hash, active, created_at, totp_secret) "
        "VALUES ('morgan', 'Morgan', 'owner', 'x', true, :now, 'JBSWY3DPEHPK3PXP')"
    )
    alembic_run(engine, "downgrade", BEFORE)
    with engine.begin() as connection:
        for statement in (insert, staff):
            connection.execute(text(statement), {"now": NOW})
    alembic_run(engine, "upgrade", "head")
    with Session(engine) as session:
        (token,) = session.scalars(select(ApiToken))
        assert abs(token.ends_at - (datetime.now(UTC) + timedelta(days=365))) < timedelta(hours=1)
        (person,) = session.scalars(select(StaffUser))
        assert person.totp_secret == "JBSWY3DPEHPK3PXP"
        person.totp_secret = "v1:" + "x" * 80
        session.commit()
    alembic_run(engine, "downgrade", BEFORE)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT totp_secret FROM staff_user")).scalar_one() is None
