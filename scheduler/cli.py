"""Commands: `flask --app wsgi …`."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Add our commands to Flask's."""
