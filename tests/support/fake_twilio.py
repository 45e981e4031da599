"""A real HTTP server that plays Twilio's Messages API, its callbacks and its bad days.

In a test:

    with FakeTwilio() as twilio:
        ... TWILIO_API_ORIGIN=twilio.origin ...
        twilio.faults.next(DROP_AFTER_ACCEPTING)
        assert [message.body for message in twilio.messages] == ["…"]
        twilio.call_back(twilio.messages[0], "delivered", "sent", "sent")  # out of order, and twice

By hand: `python -m tests.fake_twilio --port 9999`, which says what to set.
"""

import argparse
import base64
import hashlib
import hmac
import json
import random
import re
import secrets
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from email.utils import format_datetime
from http.client import HTTPConnection, HTTPSConnection
from types import TracebackType
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.support.fake_http import HttpServer, Reply, Request

ACCOUNT_SID = "AC" + "f" * 32
AUTH_TOKEN = "fake-token"
_API = "/2010-04-01"
_STOP_WORDS = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "arret", "arrêt"}
_START_WORDS = {"start", "unstop", "yes"}


@dataclass
class FakeMessage:
    sid: str
    to: str
    body: str
    from_: str | None
    messaging_service_sid: str | None
    status_callback: str | None
    created_at: datetime
    status: str
    error_code: int | None = None
    sent_at: datetime | None = None
    listed_from: float = 0  # time.monotonic()
    price: str | None = None  # as Twilio writes it: "-0.00750"
    direction: str = "outbound-api"
    num_media: int = 0

    @property
    def attempt_id(self) -> str:
        """The last part of the status-callback address."""
        return (self.status_callback or "").rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with one request, and whether the message is accepted all the same."""

    accepts: bool = True
    after_seconds: float = 0
    status: int | None = None
    code: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    page: str | None = None  # an answer that is not Twilio's own, such as a gateway's
    send_only: int | None = None
    unlisted_seconds: float = 0


DROP_BEFORE_ACCEPTING = Fault(accepts=False, send_only=0)
DROP_AFTER_ACCEPTING = Fault(send_only=0)
CUT_THE_ANSWER = Fault(send_only=200)
ERROR_BEFORE_ACCEPTING = Fault(accepts=False, status=500, code=20500)
ERROR_AFTER_ACCEPTING = Fault(status=500, code=20500)
BAD_GATEWAY_AFTER_ACCEPTING = Fault(status=502, page="<html>Bad Gateway</html>")
NOT_A_MESSAGE = Fault(accepts=False, status=200, page="<html>Please sign in to the guest network</html>")


def slow(seconds: float) -> Fault:
    return Fault(after_seconds=seconds)


def too_many(retry_after: int = 1) -> Fault:
    return Fault(accepts=False, status=429, code=20429, headers={"Retry-After": str(retry_after)})


def unavailable(retry_after: int = 1) -> Fault:
    return Fault(accepts=False, status=503, code=20503, headers={"Retry-After": str(retry_after)})


def refused(code: int, *, status: int = 400) -> Fault:
    return Fault(accepts=False, status=status, code=code)


def unlisted(seconds: float) -> Fault:
    """Accepted, but not to be found in the list until then."""
    return Fault(unlisted_seconds=seconds)


class Faults:
    """Scripted first, then by number, then by chance."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._scripted: deque[Fault | None] = deque()
        self._by_number: dict[str, Fault] = {}
        self._by_chance: list[tuple[float, Fault]] = []
        self._random = random.Random(0)

    def next(self, *faults: Fault | None) -> None:
        """The next requests, in order; None lets one pass."""
        self._scripted.extend(faults)

    def for_number(self, to: str, fault: Fault) -> None:
        self._by_number[to] = fault

    def at_rate(self, share: float, fault: Fault) -> None:
        """`share` of requests from 0 to 1, the same ones in every run; add several."""
        self._by_chance.append((share, fault))

    def take(self, to: str = "") -> Fault | None:
        if self._scripted:
            return self._scripted.popleft()
        if to in self._by_number:
            return self._by_number[to]
        return next((fault for share, fault in self._by_chance if self._random.random() < share), None)


class FakeTwilio:
    """Starts on construction; `messages` are those accepted, in order."""

    def __init__(
        self,
        *,
        port: int = 0,
        account_sid: str = ACCOUNT_SID,
        auth_token: str = AUTH_TOKEN,
        latency_seconds: float = 0,
        callback_origin: str | None = None,
    ) -> None:
        """`callback_origin`: where callbacks really go, when the public address signed leads elsewhere."""
        self.account_sid, self.auth_token = account_sid, auth_token
        self.latency_seconds = latency_seconds
        self.callback_origin = callback_origin
        self.messages: list[FakeMessage] = []
        self.received: list[FakeMessage] = []
        self.requests: list[Request] = []
        self.opted_out: set[str] = set()
        self.faults, self.list_faults = Faults(), Faults()
        self.on_accepted: Callable[[FakeMessage], None] = lambda message: None
        credentials = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self._authorization = f"Basic {credentials}"
        self._messages_path = f"{_API}/Accounts/{account_sid}/Messages"
        self._server = HttpServer(self._answer, port=port)
        self.origin, self.port = self._server.origin, self._server.port

    def __enter__(self) -> "FakeTwilio":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._server.close()

    def refuse_connections(self) -> None:
        self._server.stop_listening()

    def accept_connections(self) -> None:
        self._server.start_listening()

    @contextmanager
    def refusing_connections(self) -> Iterator[None]:
        self.refuse_connections()
        try:
            yield
        finally:
            self.accept_connections()

    def call_back(self, message: FakeMessage, *statuses: str, error_code: int | None = None) -> list[int]:
        """Post these statuses in this order, whatever order that is; gives the HTTP statuses answered."""
        assert message.status_callback, "the message was created without a StatusCallback"
        answers = []
        for status in statuses:
            message.status, message.error_code = status, error_code
            if status != "queued":
                message.sent_at = message.sent_at or datetime.now(UTC)
            params = {
                "AccountSid": self.account_sid,
                "ApiVersion": "2010-04-01",
                "From": message.from_ or "",
                "MessageSid": message.sid,
                "MessageStatus": status,
                "SmsSid": message.sid,
                "SmsStatus": status,
                "To": message.to,
            } | ({"ErrorCode": str(error_code)} if error_code else {})
            answers.append(self._post(message.status_callback, params)[0])
        return answers

    def text_in(
        self, url: str, *, from_: str, body: str, to: str = "+16135550100", opt_out_type: str | None = None
    ) -> tuple[int, str]:
        """A patient's text, posted to the inbound webhook; gives status and body of the answer.

        Opt-out and opt-in words take effect here first, as they do at Twilio.
        """
        if body.strip().lower() in _STOP_WORDS:
            self.opted_out.add(from_)
        elif body.strip().lower() in _START_WORDS:
            self.opted_out.discard(from_)
        sid = self.take_in(from_=from_, body=body, to=to).sid
        params = {
            "AccountSid": self.account_sid,
            "ApiVersion": "2010-04-01",
            "Body": body,
            "From": from_,
            "MessageSid": sid,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "To": to,
        } | ({"OptOutType": opt_out_type} if opt_out_type else {})
        return self._post(url, params)

    def take_in(
        self,
        *,
        from_: str,
        body: str,
        to: str = "+16135550100",
        service: str | None = None,
        at: datetime | None = None,
        media: int = 0,
    ) -> FakeMessage:
        """A patient's text that is kept and listed, whether or not a webhook tells of it."""
        at = at or datetime.now(UTC)
        message = FakeMessage(
            sid="SM" + secrets.token_hex(16),
            to=to,
            body=body,
            from_=from_,
            messaging_service_sid=service,
            status_callback=None,
            created_at=at,
            status="received",
            sent_at=at,
            direction="inbound",
            num_media=media,
        )
        self.received.append(message)
        return message

    def _post(self, url: str, params: Mapping[str, str]) -> tuple[int, str]:
        address = urlsplit(url)
        there = urlsplit(self.callback_origin) if self.callback_origin else address
        connect = HTTPSConnection if there.scheme == "https" else HTTPConnection
        connection = connect(there.netloc, timeout=15)
        try:
            connection.request(
                "POST",
                address.path + (f"?{address.query}" if address.query else ""),
                urlencode(params),
                {
                    "Host": address.netloc,
                    "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
                    "User-Agent": "TwilioProxy/1.1",
                    "X-Twilio-Signature": signature(self.auth_token, url, params),
                },
            )
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def _answer(self, request: Request) -> Reply:
        self.requests.append(request)
        if request.headers.get("authorization") != self._authorization:
            return _error(20003, 401)
        path = request.path
        if path == f"{self._messages_path}.json":
            reply = self._create(request) if request.method == "POST" else self._list(request)
        elif request.method == "POST" and path.startswith(f"{self._messages_path}/"):
            reply = self._blank(path.removeprefix(f"{self._messages_path}/").removesuffix(".json"), request.form)
        elif request.method == "GET" and path.startswith(f"{self._messages_path}/"):
            reply = self._fetch(path.removeprefix(f"{self._messages_path}/").removesuffix(".json"))
        else:
            reply = _error(20404, 404)
        return replace(reply, after_seconds=reply.after_seconds + self.latency_seconds)

    def _create(self, request: Request) -> Reply:
        form = request.form
        fault = self.faults.take(form.get("To", ""))
        if fault is None or fault.accepts:
            code = _objection(form) or (21610 if form["To"] in self.opted_out else None)
            reply = _error(code, 400) if code else _json(201, self._shown(self._accept(form, fault)))
        else:
            reply = Reply()
        return _with_fault(reply, fault)

    def _accept(self, form: Mapping[str, str], fault: Fault | None) -> FakeMessage:
        service = form.get("MessagingServiceSid")
        message = FakeMessage(
            sid="SM" + secrets.token_hex(16),
            to=form["To"],
            body=form["Body"],
            from_=form.get("From"),
            messaging_service_sid=service,
            status_callback=form.get("StatusCallback"),
            created_at=datetime.now(UTC),
            status="accepted" if service else "queued",
            listed_from=time.monotonic() + (fault.unlisted_seconds if fault else 0),
        )
        self.messages.append(message)
        self.on_accepted(message)
        return message

    def _list(self, request: Request) -> Reply:
        query = parse_qs(urlsplit(request.target).query)
        listed = [*self.messages, *self.received][::-1]  # of two at once, the later first
        newest_first = sorted(listed, key=lambda message: message.created_at, reverse=True)
        wanted = [message for message in newest_first if _is_wanted(message, query)]
        page, size = (int(query.get(name, [default])[0]) for name, default in (("Page", "0"), ("PageSize", "50")))
        start = _start(wanted, query.get("PageToken", [""])[0], size)
        shown = wanted[start : start + size]

        def uri(number: int, token: str = "") -> str:
            keys = [(name, value) for name, values in query.items() for value in values if "Page" not in name]
            paging = [("PageSize", size), ("Page", number), *([("PageToken", token)] if token else [])]
            return f"{self._messages_path}.json?" + urlencode([*keys, *paging])

        reply = _json(
            200,
            {
                "first_page_uri": uri(0),
                "next_page_uri": uri(page + 1, "PA" + shown[-1].sid) if len(wanted) > start + size else None,
                "previous_page_uri": uri(page - 1, "PB" + shown[0].sid) if start and shown else None,
                "uri": uri(page, query.get("PageToken", [""])[0]),
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + max(len(shown) - 1, 0),
                "messages": [self._shown(message) for message in shown],
            },
        )
        return _with_fault(reply, self.list_faults.take())

    def _fetch(self, sid: str) -> Reply:
        found = next((message for message in (*self.messages, *self.received) if message.sid == sid), None)
        return _json(200, self._shown(found)) if found else _error(20404, 404)

    def _blank(self, sid: str, form: Mapping[str, str]) -> Reply:
        """An empty Body is all that a message's text may become, and only once its fate is final."""
        message = next((message for message in (*self.messages, *self.received) if message.sid == sid), None)
        if message is None:
            return _error(20404, 404)
        if form.get("Body") != "":
            return _error(20001, 400)
        if message.status not in ("delivered", "undelivered", "failed", "received"):
            return _error(20009, 409)
        message.body = ""
        return _json(200, self._shown(message))

    def _shown(self, message: FakeMessage) -> dict[str, object]:
        uri = f"{self._messages_path}/{message.sid}"
        return {
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": message.body,
            "date_created": format_datetime(message.created_at),
            "date_sent": format_datetime(message.sent_at) if message.sent_at else None,
            "date_updated": format_datetime(message.sent_at or message.created_at),
            "direction": message.direction,
            "error_code": message.error_code,
            "error_message": None,
            "from": message.from_,
            "messaging_service_sid": message.messaging_service_sid,
            "num_media": str(message.num_media),
            "num_segments": "1",
            "price": message.price,
            "price_unit": "USD",
            "sid": message.sid,
            "status": message.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": message.to,
            "uri": f"{uri}.json",
        }


def signature(auth_token: str, url: str, params: Mapping[str, str]) -> str:
    """X-Twilio-Signature: https://www.twilio.com/docs/usage/security#validating-requests"""
    signed = url + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def _is_wanted(message: FakeMessage, query: Mapping[str, list[str]]) -> bool:
    """A message not sent yet has no date to match."""
    day = message.sent_at.date() if message.sent_at else None
    return (
        time.monotonic() >= message.listed_from
        and query.get("To", [message.to])[0] == message.to
        and query.get("From", [message.from_])[0] == message.from_
        and ("DateSent" not in query or day == _day(query["DateSent"]))
        and ("DateSent>" not in query or (day is not None and day >= _day(query["DateSent>"])))
        and ("DateSent<" not in query or (day is not None and day <= _day(query["DateSent<"])))
    )


def _start(wanted: list[FakeMessage], token: str, size: int) -> int:
    """A page begins after a message (PA…) or ends before one (PB…); its number is for the client alone."""
    if not token:
        return 0
    at = next((at for at, message in enumerate(wanted) if message.sid == token[2:]), len(wanted))
    return at + 1 if token.startswith("PA") else max(at - size, 0)


def _day(values: list[str]) -> date:
    return date.fromisoformat(values[0][:10])


_WORDS = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "Internal Server Error",
    20503: "Service Unavailable",
    21211: "The 'To' number is not a valid phone number.",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21609: "The StatusCallback URL is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21617: "The concatenated message body exceeds the 1600 character limit",
}


def _objection(form: Mapping[str, str]) -> int | None:
    checks = (
        (21604, bool(form.get("To"))),
        (21602, bool(form.get("Body"))),
        (21603, bool(form.get("From") or form.get("MessagingServiceSid"))),
        (21211, re.fullmatch(r"\+[1-9]\d{6,14}", form.get("To", "")) is not None),
        (21617, len(form.get("Body", "")) <= 1600),
        (21609, re.match(r"https?://[^/_]+/", form.get("StatusCallback", "https://none/")) is not None),
    )
    return next((code for code, fine in checks if not fine), None)


def _with_fault(reply: Reply, fault: Fault | None) -> Reply:
    if fault is None:
        return reply
    if fault.page is not None:
        reply = Reply(fault.status or 200, fault.page.encode(), {"Content-Type": "text/html"})
    elif fault.status is not None:
        reply = _error(fault.code or 0, fault.status)
    return replace(
        reply,
        headers={**reply.headers, **fault.headers},
        after_seconds=fault.after_seconds,
        send_only=fault.send_only,
    )


def _error(code: int, status: int) -> Reply:
    return _json(
        status,
        {
            "code": code,
            "message": _WORDS.get(code, f"Error {code} with number +16135550142"),
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        },
    )


def _json(status: int, content: Mapping[str, object]) -> Reply:
    return Reply(status, json.dumps(content).encode(), {"Content-Type": "application/json; charset=utf-8"})


def _call_back_later(twilio: FakeTwilio, message: FakeMessage) -> None:
    time.sleep(1)
    try:
        answers = twilio.call_back(message, "sent", "delivered")
    except OSError as error:
        sys.stderr.write(f"status callback to {message.status_callback}: {error}\n")
    else:
        sys.stderr.write(f"status callbacks answered {answers}\n")


def main() -> None:
    options = argparse.ArgumentParser(description="Play Twilio, for trying the product by hand.")
    options.add_argument("--port", type=int, default=9999)
    options.add_argument("--latency", type=float, default=0, metavar="SECONDS")
    options.add_argument("--no-callbacks", action="store_true", help="never post message states")
    options.add_argument("--callback-origin", help="where callbacks go, when PUBLIC_URL leads elsewhere")
    options.add_argument("--quiet", action="store_true")
    chosen = options.parse_args()
    with FakeTwilio(port=chosen.port, latency_seconds=chosen.latency, callback_origin=chosen.callback_origin) as twilio:

        def accepted(message: FakeMessage) -> None:
            if not chosen.quiet:
                sys.stdout.write(f"SMS to {message.to}: {message.body}\n")
                sys.stdout.flush()
            if message.status_callback and not chosen.no_callbacks:
                threading.Thread(target=_call_back_later, args=(twilio, message), daemon=True).start()

        twilio.on_accepted = accepted
        sys.stdout.write(
            f"TWILIO_API_ORIGIN={twilio.origin} TWILIO_ACCOUNT_SID={ACCOUNT_SID} "
            f"TWILIO_AUTH_TOKEN={AUTH_TOKEN} TWILIO_FROM=+16135550100\n"
        )
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stdout.write(f"{len(twilio.messages)} messages accepted\n")


if __name__ == "__main__":
    main()
