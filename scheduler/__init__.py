"""The appointment service: `create_app` puts extensions, blueprints and errors together."""

from types import TracebackType
from typing import Any

import structlog
from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from scheduler import cli
from scheduler.extensions import babel, csrf, db, migrate, staff_sign_in
from scheduler.gateways import phone_numbers
from scheduler.serving import assets, live_settings, logs, looks_kept, serving_lock
from scheduler.usecases.staff.sealing import Seals
from scheduler.web import access, errors
from scheduler.web.blueprints import register_blueprints
from scheduler.web.desk.sign_in.door import body_limit
from scheduler.web.requests import front_door, language, sessions
from scheduler.web.requests.envelope import Envelope
from scheduler.web.requests.visitor_address import VisitorAddress
from scheduler.web.requests.whole_body import WholeBodyRequest

log = structlog.get_logger("requests")


class Service(Flask):
    """Flask, but for what it writes of an exception (the path it would log may hold a feed's token), and for how it
    reads a body."""

    request_class = WholeBodyRequest

    def log_exception(
        self, exc_info: tuple[type, BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> None:
        log.error("exception", exc_info=exc_info, rule=request.url_rule.rule if request.url_rule else None)

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        return assets.max_age()


def create_app(config: Any) -> Flask:
    """The application for `config` (an object with upper-case attributes, see config.py)."""
    app = Service(__name__, template_folder="../templates", instance_path=str(config.INSTANCE_DIR))
    app.config.from_object(config)
    app.config.setdefault("SQLALCHEMY_DATABASE_URI", config.DATABASE_URL)
    # A form may stay open for as long as the sign-in holds; browsers that send no Referer may book as well.
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    app.extensions["seals"] = Seals([app.config["SECRET_KEY"], *app.config["SECRET_KEY_FALLBACKS"]])
    app.session_interface = sessions.VisitorSessions()
    logs.configure(app.config["LOG_FORMAT"])
    phone_numbers.serve(app.config["PHONE_COUNTRIES"])
    _add_extensions(app)
    app.wsgi_app = VisitorAddress(front_door.TwilioSlashes(app.wsgi_app))  # type: ignore[method-assign]
    if app.config["TRUSTED_PROXIES"]:
        hops = app.config["TRUSTED_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.jinja_env.globals["clinic"] = app.config["CLINIC"]
    front_door.init_app(app)
    serving_lock.init_app(app)
    live_settings.init_app(app)
    looks_kept.init_app(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    register_blueprints(app)
    cli.init_app(app)
    access.init_app(app)
    app.extensions["body_limit"] = body_limit
    assets.init_app(app)
    errors.init_app(app)
    app.wsgi_app = Envelope(app)  # type: ignore[method-assign]
    return app


def _add_extensions(app: Flask) -> None:
    db.init_app(app)
    migrate.init_app(app, db, render_as_batch=False, compare_type=True)
    csrf.init_app(app)
    babel.init_app(app, locale_selector=language.select_language)
    app.context_processor(language.template_variables)
    staff_sign_in.init_app(app, add_context_processor=False)
    # "Remember me" is not offered; looking for it would open the session of every request, feeds and API included.
    app.after_request_funcs[None].remove(staff_sign_in._update_remember_cookie)
