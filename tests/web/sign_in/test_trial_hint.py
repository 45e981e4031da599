"""Where texts are kept and not sent, whoever tries the service is told where the code is."""

import pytest
from flask.testing import FlaskClient

from scheduler.extensions import db
from tests.web.conftest import make_app
from tests.web.support.pages import path_of, plain, send

TWILIO = {
    "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000",
    "TWILIO_AUTH_TOKEN": "x" * 32,
    "TWILIO_FROM": "+16135550100",
    "PUBLIC_URL": "https://book.example.ca",
    "SECRET_KEY": "a key for tests alone, long enough",
}


@pytest.mark.parametrize(("settings", "told"), [({}, True), (TWILIO, False)], ids=["outbox", "twilio"])
def test_the_code_page_of_a_trial_says_where_the_code_is(
    database_url: str, settings: dict[str, str], told: bool
) -> None:
    app = make_app(database_url, **settings)
    client: FlaskClient = app.test_client()
    base = app.config["PUBLIC_URL"]
    page = client.get("/me/sign-in", base_url=base)
    answer = client.get(path_of(send(client, page, "sign-in", number="613-555-0142")), base_url=base)
    assert ("/desk/outbox" in answer.text) is told
    assert ("Texts are not sent from here" in plain(answer)) is told
    with app.app_context():
        db.engine.dispose()
