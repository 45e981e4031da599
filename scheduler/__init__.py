"""The appointment service: `create_app` puts extensions, blueprints and errors together."""

from typing import Any

from flask import Flask

from scheduler.extensions import db, migrate


def create_app(config: Any) -> Flask:
    """The application for `config` (an object with upper-case attributes, see config.py)."""
    app = Flask(__name__, template_folder="../templates")
    app.config.from_object(config)
    app.config["SQLALCHEMY_DATABASE_URI"] = config.DATABASE_URL
    db.init_app(app)
    migrate.init_app(app, db, render_as_batch=False, compare_type=True)
    return app
