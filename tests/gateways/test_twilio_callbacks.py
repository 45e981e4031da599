from collections.abc import Iterator

import pytest

from scheduler.gateways.twilio_sms import TwilioSignature
from tests.gateways.test_twilio_sms import BODY, TO, make_sms, send
from tests.support.fake_http import HttpServer, Reply, Request
from tests.support.fake_twilio import AUTH_TOKEN, FakeTwilio, signature

URL = "https://example.com/myapp.php?foo=1&bar=2"
PARAMS = {
    "Digits": "1234",
    "To": "+18005551212",
    "From": "+14158675310",
    "Caller": "+14158675310",
    "CallSid": "CA1234567890ABCDE",
}
# As Twilio's own page on webhook security works it out, with the token 12345.
SIGNED = "L/OH5YylLD5NRKLltdqwSvS0BnU="


def test_the_example_of_twilios_documentation_is_valid() -> None:
    assert TwilioSignature("12345").valid(URL, PARAMS, SIGNED)
    assert signature("12345", URL, PARAMS) == SIGNED


@pytest.mark.parametrize(
    ("url", "params", "signed"),
    [
        (URL, PARAMS, None),
        (URL, PARAMS, ""),
        (URL, PARAMS, "é"),
        (URL, PARAMS, SIGNED.lower()),
        (URL.replace("foo=1", "foo=2"), PARAMS, SIGNED),
        (URL.replace("https", "http"), PARAMS, SIGNED),
        (URL, PARAMS | {"To": "+18005551213"}, SIGNED),
        (URL, PARAMS | {"Extra": "1"}, SIGNED),
        (URL, {}, SIGNED),
    ],
)
def test_anything_else_is_not(url: str, params: dict[str, str], signed: str | None) -> None:
    assert TwilioSignature("12345").valid(url, params, signed) is False


def test_another_token_is_not_ours() -> None:
    assert TwilioSignature("12346").valid(URL, PARAMS, SIGNED) is False


@pytest.fixture
def received() -> Iterator[tuple[HttpServer, list[Request]]]:
    requests: list[Request] = []

    def take(request: Request) -> Reply:
        requests.append(request)
        return Reply(204)

    server = HttpServer(take)
    yield server, requests
    server.close()


def test_callbacks_come_signed_for_the_public_address_in_any_order_and_twice(
    received: tuple[HttpServer, list[Request]],
) -> None:
    server, requests = received
    with FakeTwilio(callback_origin=server.origin) as twilio:
        send(make_sms(twilio), attempt_id="a-7")
        answers = twilio.call_back(twilio.messages[0], "delivered", "sent", "sent")

    assert answers == [204, 204, 204]
    assert [request.form["MessageStatus"] for request in requests] == ["delivered", "sent", "sent"]
    for request in requests:
        assert request.target == "/twilio/status/a-7"
        assert TwilioSignature(AUTH_TOKEN).valid(
            "https://clinic.example/twilio/status/a-7", request.form, request.headers["x-twilio-signature"]
        )


def test_a_failed_delivery_carries_its_code(received: tuple[HttpServer, list[Request]]) -> None:
    server, requests = received
    with FakeTwilio(callback_origin=server.origin) as twilio:
        send(make_sms(twilio))
        twilio.call_back(twilio.messages[0], "undelivered", error_code=30005)

    assert (requests[0].form["MessageStatus"], requests[0].form["ErrorCode"]) == ("undelivered", "30005")


def test_a_patients_stop_reaches_us_and_closes_the_number(received: tuple[HttpServer, list[Request]]) -> None:
    server, requests = received
    with FakeTwilio(callback_origin=server.origin) as twilio:
        twilio.text_in("https://clinic.example/twilio/inbound", from_=TO, body="Arrêt")
        assert twilio.opted_out == {TO}
        twilio.text_in("https://clinic.example/twilio/inbound", from_=TO, body="START")
        assert twilio.opted_out == set()

    assert requests[0].form["Body"] == "Arrêt"
    assert TwilioSignature(AUTH_TOKEN).valid(
        "https://clinic.example/twilio/inbound", requests[0].form, requests[0].headers["x-twilio-signature"]
    )
    assert BODY not in requests[0].form.values()
