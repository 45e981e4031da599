"""Every way in, a line each. Whoever adds a blueprint declares beside it who may enter (access.py)."""

from flask import Flask

from scheduler.web import api, desk, feeds, health, webhooks
from scheduler.web.patient.booking import choose
from scheduler.web.patient.clinic import home, pages
from scheduler.web.patient.patients import record
from scheduler.web.patient.sign_in import birth_date, new_number, sign_in
from scheduler.web.patient.visits import link, me


def register_blueprints(app: Flask) -> None:
    app.register_blueprint(health.blueprint)
    app.register_blueprint(home.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(choose.blueprint)
    app.register_blueprint(sign_in.blueprint)
    app.register_blueprint(birth_date.blueprint)
    app.register_blueprint(new_number.blueprint)
    app.register_blueprint(me.blueprint)
    app.register_blueprint(record.blueprint)
    app.register_blueprint(link.blueprint)
    app.register_blueprint(feeds.blueprint)
    api.init_app(app)
    app.register_blueprint(webhooks.blueprint)
    desk.init_app(app)
