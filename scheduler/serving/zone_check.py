"""Whether the clinic's zone is another than that of visits to come: said at start, since nothing is moved by itself."""

from datetime import datetime

from sqlalchemy import Engine

from scheduler.queries.calendar.left_in_zone import count_in_other_zones


def warning(engine: Engine, *, zone: str, now: datetime) -> str | None:
    with engine.connect() as connection:
        number = count_in_other_zones(connection, zone=zone, now=now)
    if not number:
        return None
    visits = "1 visit to come is" if number == 1 else f"{number} visits to come are"
    return (
        f"{visits} by another time zone than the clinic's, {zone}: run `.venv/bin/flask --app wsgi clock refresh`, "
        "which keeps their time on the clinic's clock and lists those that need another."
    )
