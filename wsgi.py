"""The WSGI application: `flask --app wsgi …`, or `wsgi:app` for a production server."""

from config import Config
from scheduler import create_app

app = create_app(Config())
