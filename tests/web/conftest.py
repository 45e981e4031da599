"""The whole application on a fresh database."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

import scheduler
from config import Config
from scheduler import create_app
from scheduler.extensions import db
from tests.factories import make_clinic
from tests.web.support.booking_clinic import BookingVisitor

TRANSLATIONS = Path(scheduler.__file__).parent / "translations"
SETTINGS = {"SECRET_KEY": "a key for tests alone", "CLINIC_TIMEZONE": "America/Toronto", "HOST": "127.0.0.1"}

# Pages whose use cases and queries are tested on both engines: here on SQLite, and on PostgreSQL too in `make soak`.
PAGES_OF_THE_DESK = {
    "test_clearance_pages",
    "test_clinic_computers",
    "test_ims_given_pages",
    "test_known_browsers",
    "test_page_texts",
    "test_settings_treatments",
    "test_weighty",
    "test_wrong_number",
    "test_desk",
    "test_desk_calendar",
    "test_figures",
    "test_imports_page",
    "test_inbox",
    "test_visit_link",
    "test_patients",
    "test_patients_search",
    "test_settings_rows",
    "test_working_time",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not os.environ.get("EVERY_ENGINE"):
        items[:] = [each for each in items if each.path.stem not in PAGES_OF_THE_DESK or "[postgresql" not in each.name]


@pytest.fixture(scope="session", autouse=True)
def translations_compiled() -> None:
    """As `make test` does, for who runs pytest alone."""
    for po in TRANSLATIONS.rglob("*.po"):
        mo = po.with_suffix(".mo")
        if not mo.exists() or mo.stat().st_mtime < po.stat().st_mtime:
            fresh = mo.with_suffix(f".{os.getpid()}")  # other test processes may be at it too
            with po.open("rb") as source, fresh.open("wb") as target:
                write_mo(target, read_po(source, locale=po.parent.parent.name))
            fresh.replace(mo)


@pytest.fixture(scope="session", autouse=True)
def addresses_compiled_once() -> Iterator[None]:
    """Each test has its own application, and werkzeug writes and compiles two functions for each of its 220 addresses,
    which depend on the address alone: a quarter of a test's time."""
    compiled: dict[object, Callable[..., tuple[str, str]]] = {}
    compile_builder = Rule._compile_builder

    def once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (tuple(rule._trace), str(rule.defaults), append_unknown)
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Rule, "_compile_builder", once)
        yield


class CompiledTemplates(BytecodeCache):
    """In this process: each test's own application would compile its pages anew."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()


COMPILED_TEMPLATES = CompiledTemplates()


def make_app(database_url: str, **settings: str) -> Flask:
    """An application with these settings; CSRF is checked, as in real life."""
    app = create_app(Config({**SETTINGS, "DATABASE_URL": database_url, **settings}))
    app.config["TESTING"] = True
    app.jinja_env.bytecode_cache = COMPILED_TEMPLATES
    app.config["WITHOUT_SECOND_STEP"] |= {"owner"}  # most tests of what owners do are not about their authenticator
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", refuse_a_read_that_turns_into_a_write)
    return app


def refuse_a_read_that_turns_into_a_write(
    connection: Connection, _cursor: object, statement: str, *_other: object
) -> None:
    """On SQLite it fails as soon as somebody else has written in between, and no waiting cures it (models/engine.py)."""
    writes = statement.lstrip().startswith(("INSERT", "UPDATE", "DELETE")) and " staged_" not in statement  # temporary
    if writes and connection.dialect.name == "sqlite":
        options = connection.get_execution_options()
        assert options.get("writing") or options.get("reading"), statement


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    app = make_app(database_url)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def another_app(database_url: str) -> Iterator[Callable[..., Flask]]:
    """The same database with other settings."""
    made: list[Flask] = []

    def make(**settings: str) -> Flask:
        made.append(make_app(database_url, **settings))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def visitor(app: Flask, engine: Engine) -> BookingVisitor:
    with Session(engine) as session:
        make_clinic(session)
    return BookingVisitor(app, engine)


@pytest.fixture
def other(app: Flask, engine: Engine) -> BookingVisitor:
    return BookingVisitor(app, engine)
