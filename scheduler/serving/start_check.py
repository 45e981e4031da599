"""What is looked at when a process starts that goes on working: `serve`, `jobs run`, or a production server's wsgi:app."""

import os
import sys
from pathlib import Path

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from scheduler import clock, private_files
from scheduler.extensions import clinic_settings, db
from scheduler.serving import live_settings, zone_check
from scheduler.serving.database_check import require_database
from scheduler.serving.serving_lock import DatabaseHeld, hold
from scheduler.serving.sound_database import CannotStart, DatabaseUnsound, require_sound
from scheduler.usecases.feeds.face import notice_calendar_face
from scheduler.usecases.staff import second_step

NOT_TO_BE_TRIED_AGAIN = 3  # gunicorn starts a worker that ends with any other code anew, for ever
BY_COMMAND = "FLASK_RUN_FROM_CLI"  # set by Flask's own commands, which look for themselves


def check_start() -> list[str]:
    """What to say: of files that others can read, secrets that we cannot, and visits by another zone."""
    said = []
    instance = Path(current_app.instance_path)
    ours = [instance, instance / "secret_key", instance / "imports"]
    if db.engine.dialect.name == "sqlite" and db.engine.url.database:
        ours += private_files.of_sqlite(Path(db.engine.url.database))
    if warning := private_files.warning(ours):
        said.append(warning)
    unreadable = second_step.check_secrets(db.session(), seals=current_app.extensions["seals"])
    if unreadable:
        said.append(
            f"The second step of {', '.join(unreadable)} was kept under another SECRET_KEY: give that one in "
            "SECRET_KEY_OLD, or run `flask staff reset-second-step NAME`. Until then only recovery codes get in."
        )
    notice_calendar_face(db.session(), clinic=clinic_settings(), now=clock.now())
    if warning := zone_check.warning(db.engine, zone=clinic_settings().zone, now=clock.now()):
        said.append(warning)
    return said


def say_under_a_server(app: Flask) -> None:
    """As a production server imports wsgi:app. A database that is not there, not upgraded or held by somebody is none of
    this: requests answer that. One that is damaged, or a backup beside another one's -wal, ends the start
    (DatabaseUnsound). Nothing stays open, for the server may fork."""
    if os.environ.get(BY_COMMAND) == "true":
        return
    with app.app_context():
        try:
            lock = hold(db.engine)
        except DatabaseHeld:
            return
        try:
            if lock.alone:
                require_sound(db.engine, alone=True)
            require_database(db.engine)
            live_settings.of(app).read(db.engine)
            said = check_start()
        except DatabaseUnsound as unsound:
            sys.stderr.write(f"Cannot start: {unsound.message}\n")
            sys.exit(NOT_TO_BE_TRIED_AGAIN)
        except (CannotStart, SQLAlchemyError):
            said = []
        finally:
            db.session.remove()
            db.engine.dispose()
            lock.close()
    for line in said:
        sys.stderr.write(f"{line}\n")
