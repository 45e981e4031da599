"""Every way in, a line each. Whoever adds a blueprint declares beside it who may enter (access.py)."""

from flask import Flask

from scheduler.web import api, feeds, health, reception, twilio_callbacks
from scheduler.web.patient import birth_date, booking, home, me, my_record, new_number, pages, sign_in, visit_link


def register_blueprints(app: Flask) -> None:
    app.register_blueprint(health.blueprint)
    app.register_blueprint(home.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(booking.blueprint)
    app.register_blueprint(sign_in.blueprint)
    app.register_blueprint(birth_date.blueprint)
    app.register_blueprint(new_number.blueprint)
    app.register_blueprint(me.blueprint)
    app.register_blueprint(my_record.blueprint)
    app.register_blueprint(visit_link.blueprint)
    app.register_blueprint(feeds.blueprint)
    api.init_app(app)
    app.register_blueprint(twilio_callbacks.blueprint)
    reception.init_app(app)
