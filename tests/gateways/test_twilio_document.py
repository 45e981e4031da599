"""Our requests and our fake's answers, held against Twilio's own OpenAPI document where there is a copy."""

import json
import os
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.gateways.test_twilio_sms import BODY, TO, find, make_sms, send
from tests.support.fake_http import Request
from tests.support.fake_twilio import FakeTwilio

_NAME = "twilio_api_v2010.json"
_PLACES = [
    Path(folder) / _NAME
    for folder in (os.environ.get("SHARED_DIR"), Path(__file__).parents[2].parent / "shared")
    if folder
]
_MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
_MESSAGE = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    for place in _PLACES:
        if place.is_file():
            content: dict[str, Any] = json.loads(place.read_text())
            return content
    pytest.skip(f"no copy of Twilio's OpenAPI document ({_NAME}) beside the repository or in SHARED_DIR")


Schema = dict[str, Any]
_KINDS: dict[str, type] = {"string": str, "integer": int, "object": dict, "array": list}


def objections(value: object, schema: Schema, document: Schema, where: str = "") -> list[str]:
    """What the schema has against the value: types, enums, patterns, formats, and names it does not know."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if value is None:
        return [] if schema.get("nullable") else [f"{where} is null"]
    if not isinstance(value, _KINDS[schema["type"]]):
        return [f"{where} is no {schema['type']}"]
    if isinstance(value, str):
        return _text_objections(value, schema, where)
    if isinstance(value, list):
        return [each for part in value for each in objections(part, schema["items"], document, where + "[]")]
    found = []
    if isinstance(value, dict) and "properties" in schema:
        for name, part in value.items():
            known = schema["properties"].get(name)
            found += objections(part, known, document, f"{where}.{name}") if known else [f"{where}.{name} unknown"]
    return found


def _text_objections(value: str, schema: Schema, where: str) -> list[str]:
    if schema.get("format") == "date-time-rfc-2822":
        assert parsedate_to_datetime(value)
    checks = {
        f"{where}={value} is not one of them": value in schema.get("enum", [value]),
        f"{where} does not match": re.search(schema.get("pattern", ""), value),
        f"{where} is not in E.164": schema.get("format") != "phone-number" or value.startswith("+"),
    }
    return [objection for objection, fine in checks.items() if not fine]


def test_the_message_we_create_is_a_request_twilio_knows(document: dict[str, Any]) -> None:
    with FakeTwilio() as twilio:
        send(make_sms(twilio, messaging_service_sid="MG" + "a" * 32))
        [request] = twilio.requests

    operation = document["paths"][_MESSAGES]["post"]
    [(content_type, content)] = operation["requestBody"]["content"].items()
    assert request.method == "POST"
    assert path_matches(request.path, _MESSAGES, operation)
    assert request.headers["content-type"] == content_type
    assert objections(request.form, content["schema"], document) == []
    assert (
        set(content["schema"]["required"])
        <= set(request.form)
        == {
            "To",
            "Body",
            "From",
            "MessagingServiceSid",
            "StatusCallback",
        }
    )


def test_the_list_we_ask_for_is_a_request_twilio_knows(document: dict[str, Any]) -> None:
    with FakeTwilio() as twilio:
        make_sms(twilio).find(to=TO, body=BODY, since=datetime(2026, 11, 22, 10, tzinfo=UTC))
        by_date, by_number = twilio.requests

    operation = document["paths"][_MESSAGES]["get"]
    known = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
    for request in (by_date, by_number):
        assert path_matches(request.path, _MESSAGES, operation)
        assert set(request.query) <= set(known)
        assert 1 <= int(request.query["PageSize"]) <= known["PageSize"]["maximum"]
        assert request.query["To"] == TO
    assert by_date.query["DateSent>"] == "2026-11-21T00:00:00Z"


def test_the_list_of_texts_received_is_a_request_twilio_knows(document: dict[str, Any]) -> None:
    with FakeTwilio() as twilio:
        twilio.take_in(from_=TO, body="C")
        assert list(make_sms(twilio).received_since(datetime(2026, 11, 22, 10, tzinfo=UTC))) != [[]]
        [request] = twilio.requests
        shown = twilio._shown(twilio.received[0])

    operation = document["paths"][_MESSAGES]["get"]
    known = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
    assert path_matches(request.path, _MESSAGES, operation)
    assert set(request.query) == {"To", "DateSent>", "PageSize"} <= set(known)
    assert int(request.query["PageSize"]) <= known["PageSize"]["maximum"]
    message = document["components"]["schemas"]["api.v2010.account.message"]
    assert objections(shown, message, document) == []


def test_the_pages_of_a_long_list_are_asked_for_as_twilio_says(document: dict[str, Any]) -> None:
    """Its example of a full page names the message after which the next one begins."""
    with FakeTwilio() as twilio:
        for number in range(2_100):
            twilio.take_in(from_=TO, body=str(number))
        assert sum(map(len, make_sms(twilio).received_since(datetime(2026, 11, 22, 10, tzinfo=UTC)))) == 2_100
        pages = [json.loads(twilio._list(request).body) for request in twilio.requests]

    operation = document["paths"][_MESSAGES]["get"]
    known = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
    response = operation["responses"]["200"]["content"]["application/json"]
    example = urlsplit(response["examples"]["readFullPage1"]["value"]["next_page_uri"])
    assert len(pages) == 4
    for request, page in zip(twilio.requests, pages, strict=True):
        assert objections(page, response["schema"], document) == []
        assert set(request.query) <= set(known)
        assert int(request.query["PageSize"]) == known["PageSize"]["maximum"]
        if page["next_page_uri"]:
            address = urlsplit(page["next_page_uri"])
            assert path_matches(address.path, _MESSAGES, operation)
            assert set(parse_qs(address.query)) == set(parse_qs(example.query)) - {"From"}
            assert re.fullmatch(r"PA(MM|SM)[0-9a-f]{32}", parse_qs(address.query)["PageToken"][0])
    assert re.fullmatch(r"PA(MM|SM)[0-9a-f]{32}", parse_qs(example.query)["PageToken"][0])


@pytest.mark.parametrize("service", [None, "MG" + "a" * 32])
def test_the_fakes_messages_are_what_twilio_answers(document: dict[str, Any], service: str | None) -> None:
    with FakeTwilio() as twilio:
        sms = make_sms(twilio, messaging_service_sid=service)
        for number in range(3):
            send(sms, attempt_id=str(number))
        twilio.messages[1].sent_at = datetime.now(UTC)
        created = answer(twilio, "POST", _MESSAGES, document)
        listed = answer(twilio, "GET", _MESSAGES, document, "?PageSize=2")
        fetched = answer(twilio, "GET", _MESSAGE, document)

    for content, path, method, status in (
        (created, _MESSAGES, "post", "201"),
        (listed, _MESSAGES, "get", "200"),
        (fetched, _MESSAGE, "get", "200"),
    ):
        schema = document["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
        assert objections(content, schema, document) == []
    message = document["components"]["schemas"]["api.v2010.account.message"]
    assert set(created) == set(message["properties"])
    assert urlsplit(listed["next_page_uri"]).path == urlsplit(listed["uri"]).path


def answer(twilio: FakeTwilio, method: str, path: str, document: dict[str, Any], query: str = "") -> dict[str, Any]:
    target = path.replace("{AccountSid}", twilio.account_sid).replace("{Sid}", twilio.messages[0].sid)
    authorized = twilio.requests[0]
    body = authorized.body if method == "POST" else b""
    reply = twilio._answer(Request(method, target + query, authorized.headers, body))
    content: dict[str, Any] = json.loads(reply.body)
    return content


def path_matches(path: str, template: str, operation: dict[str, Any]) -> bool:
    [pattern] = [part["schema"]["pattern"] for part in operation["parameters"] if part["name"] == "AccountSid"]
    before, after = template.split("{AccountSid}")
    return re.fullmatch(re.escape(before) + pattern.strip("^$") + re.escape(after), path) is not None


def test_the_checks_of_this_file_do_object(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["api.v2010.account.message"]
    wrong = {"sid": "XX1", "status": "gone", "num_media": 0, "colour": "red", "date_sent": None}
    assert len(objections(wrong, schema, document)) == 4


def test_the_fake_pages_through_a_list() -> None:
    with FakeTwilio() as twilio:
        sms = make_sms(twilio)
        sids = [send(sms, attempt_id=str(number)) for number in range(5)]
        listed = sms._messages.list(to=TO, page_size=2)
        assert [message.sid for message in listed] == sids[::-1]
        assert find(sms) != []
        assert [parse_qs(urlsplit(request.target).query).get("Page") for request in twilio.requests[5:8]] == [
            None,
            ["1"],
            ["2"],
        ]
