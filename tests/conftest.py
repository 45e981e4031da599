"""Fixtures that every kind of test may ask for."""

import os
from collections.abc import Iterator

import hypothesis
import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from scheduler.models.engine import create_engine
from scheduler.usecases.staff import staff
from tests.support.engines import PostgresDatabases, SqliteDatabases
from tests.support.loopback_only import refuse_outside
from tests.support.postgres_server import PostgresServer

# The same examples every time: a failure is the change's own. HYPOTHESIS_PROFILE=explore looks further.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("explore", max_examples=2_000, deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# In few long tests, so that no process is left alone with them at the end (`make test` keeps this order).
LONG_FILES = (
    "test_every_page",
    "test_serving",
    "test_booking_races",
    "test_aimed_at_one_visit",
    "test_api_schema",
    "test_kept_words",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem not in LONG_FILES)


@pytest.fixture(scope="session")
def outside_addresses_refused() -> Iterator[list[str]]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield refuse_outside(monkeypatch)


@pytest.fixture(autouse=True)
def stay_on_this_machine(outside_addresses_refused: list[str]) -> Iterator[None]:
    outside_addresses_refused.clear()
    yield
    assert not outside_addresses_refused, f"the test reached outside: {outside_addresses_refused}"


@pytest.fixture(scope="session", autouse=True)
def passwords_cost_little() -> Iterator[None]:
    """A password's hash is meant to be slow: a quarter of a second of the processor for each sign-in of a test."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(staff, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[PostgresDatabases]:
    with PostgresServer() as server:
        databases = PostgresDatabases(server)
        yield databases
        databases.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh, migrated database that is this test's alone; a test that asks runs on both engines.

    For one engine only: `@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)`.
    """
    fixture = {"sqlite": "sqlite_databases", "postgresql": "postgres_databases"}[request.param]
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(fixture)
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session
