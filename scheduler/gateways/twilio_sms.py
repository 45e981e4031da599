"""SMS through Twilio. The only importer of twilio.

Neither numbers, texts nor tokens go to a log or into an error: twilio's own HTTP client logs requests, and its
exceptions quote the number, so that ours are raised before its exceptions are made.
"""

import base64
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from scheduler.domain.folding import fold
from scheduler.gateways.http_message import Answer
from scheduler.gateways.http_pool import AnswerLost, HttpPool, NotSent
from scheduler.gateways.sms import (
    ERROR_CODES,
    CodeMeaning,
    FoundMessage,
    RefusalReason,
    SmsAccepted,
    SmsInDoubt,
    SmsPrice,
    SmsReceived,
    SmsRefused,
    SmsUnavailable,
    failure_of,
)

API_ORIGIN = "https://api.twilio.com"
_CLOCK_SKEW = timedelta(days=1)  # this machine's may be hours ahead of Twilio's; texts that we know are left out anyway
_PAGE = 200
_MOST_PRICES = 50_000  # of one day
_LARGEST_PAGE = 1_000  # https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources
_LONGEST_RETRY_AFTER = 86_400.0
_DIGITS = re.compile(r"\d{1,9}", re.ASCII)
NO_SUCH_MESSAGE = 20404
_asked_at: ContextVar[float | None] = ContextVar("asked_at", default=None)
"""Past twilio's Client, which hands on what it knows alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioSettings:
    """A sender: `from_number`, `messaging_service_sid`, or both."""

    account_sid: str
    auth_token: str = field(repr=False)
    public_url: str  # where Twilio reaches us; it refuses http://localhost as a callback address
    from_number: str | None = None
    messaging_service_sid: str | None = None
    api_origin: str | None = None

    def __post_init__(self) -> None:
        if not (self.from_number or self.messaging_service_sid):
            raise ValueError("Twilio needs a number or a messaging service to send from")


@dataclass(frozen=True, slots=True)
class _PageOfReceived:
    """`texts`: oldest first. `last_sid`: of the oldest message on it, of whatever kind. `next_address`: of the page of older
    ones, none where they are too old."""

    texts: list[SmsReceived]
    last_sid: str | None
    next_address: str | None


class TwilioSms:
    """Keeps one connection for each message under way at once."""

    def __init__(self, settings: TwilioSettings) -> None:
        self._callbacks = f"{settings.public_url.rstrip('/')}/twilio/status"
        self._sender: Final[dict[str, object]] = {
            name: value
            for name, value in (
                ("From", settings.from_number),
                ("MessagingServiceSid", settings.messaging_service_sid),
            )
            if value
        }
        self._client = Client(
            settings.account_sid,
            settings.auth_token,
            http_client=_TwilioHttp(HttpPool(settings.api_origin or API_ORIGIN)),
        )
        self._messages = self._client.messages
        self._settings = settings
        self._address = f"{API_ORIGIN}/2010-04-01/Accounts/{settings.account_sid}/Messages.json"

    def send(self, *, to: str, body: str, attempt_id: str, asked_at: float | None = None) -> SmsAccepted:
        callback = f"{self._callbacks}/{attempt_id}"
        data = {"To": to, "Body": body, "StatusCallback": callback, **self._sender}
        # Not messages.create, which makes an object of every field of the answer: half of the time of a call.
        asking = _asked_at.set(asked_at)
        try:
            response = self._client.request("POST", self._address, data=data)
        finally:
            _asked_at.reset(asking)
        try:
            message = json.loads(response.text)
            sid, status, error_code = message["sid"], message["status"], message.get("error_code")
        except (ValueError, TypeError, KeyError):
            # A 2xx that is not a message; the answer, which may quote the number, is not kept as the cause.
            raise SmsInDoubt("an answer that could not be read") from None
        if not sid:
            raise SmsInDoubt("an answer without a sid")
        return SmsAccepted(str(sid), str(status), _number(error_code))

    def find(self, *, to: str, body: str, since: datetime) -> tuple[FoundMessage, ...]:
        since_at = since.astimezone(UTC).replace(microsecond=0) - _CLOCK_SKEW
        with _unreadable_is_unavailable():
            listed = self._messages.list(to=to, date_sent_after=since_at.date(), limit=_PAGE)
            # Twilio filters by the date sent, which a queued message does not have yet: look once without.
            listed += self._messages.list(to=to, limit=_PAGE)
            found = {message.sid: _found(message) for message in listed if _is_ours(message, body)}
        recent = (message for message in found.values() if message.created_at >= since_at)
        return tuple(sorted(recent, key=lambda message: message.created_at))

    def status_of(self, *, sid: str) -> FoundMessage | None:
        with _unreadable_is_unavailable():
            try:
                return _found(self._messages(sid).fetch())
            except SmsRefused as refusal:
                if refusal.error_code != NO_SUCH_MESSAGE:
                    raise
        return None

    def prices_on(self, day: date) -> list[SmsPrice]:
        with _unreadable_is_unavailable():
            listed = self._messages.stream(date_sent=day, limit=_MOST_PRICES, page_size=_PAGE)
            prices = [price for message in listed if (price := _price(message)) is not None]
        return prices

    def received_since(self, since: datetime) -> Iterator[list[SmsReceived]]:
        """Twilio lists the newest first: its pages are walked to the oldest, and read again on the way back. So no more
        than two are kept, the one in hand and the newest, whose address would show texts that came meanwhile. The others'
        addresses name the message after which they begin (PageToken) and stay what they are."""
        newest = page = self._page_of_received(None, since)
        walked: list[tuple[str, str | None]] = []
        while page.next_address is not None:
            address = page.next_address
            page = self._page_of_received(address, since)
            walked.append((address, page.last_sid))
        yield page.texts
        for address, last_sid in reversed(walked[:-1]):
            page = self._page_of_received(address, since)
            if page.last_sid != last_sid:  # a message was deleted: what it pushed away is found from the start again
                raise SmsUnavailable
            yield page.texts
        if walked:
            yield newest.texts

    def _page_of_received(self, address: str | None, since: datetime) -> _PageOfReceived:
        """Without an address, the newest. Twilio filters by the day. A Messaging Service answers to several numbers, so
        that all the account's texts are read."""
        service, number = self._settings.messaging_service_sid, self._settings.from_number
        with _unreadable_is_unavailable():
            if address is None:
                day = since.astimezone(UTC).date()
                to = {} if service else {"to": number}
                page = self._messages.page(date_sent_after=day, page_size=_LARGEST_PAGE, **to)
            else:
                page = self._messages.get_page(address)
            listed = list(page)
            inbound = [message for message in listed if message.direction == "inbound" and message.from_]
            texts = [
                _received(message)
                for message in reversed(inbound)  # the time has no parts of a second
                if not service or message.messaging_service_sid == service or message.to == number
            ]
            is_last = bool(inbound) and inbound[-1].date_created.astimezone(UTC) < since
            return _PageOfReceived(
                sorted((text for text in texts if text.received_at >= since), key=lambda text: text.received_at),
                str(listed[-1].sid) if listed else None,
                None if is_last else page.next_page_url,
            )


class TwilioSignature:
    """Tells Twilio's webhooks from anybody else's."""

    def __init__(self, auth_token: str) -> None:
        self._validator = RequestValidator(auth_token)

    def valid(self, url: str, params: Mapping[str, Any], signature: str | None) -> bool:
        """`url` as Twilio called it: the public address with path and query, not what a proxy made of it.

        `params` are the form's fields; a MultiDict will do.
        """
        return bool(signature) and bool(self._validator.validate(url, params, signature))


@contextmanager
def _unreadable_is_unavailable() -> Iterator[None]:
    """Whatever comes instead of what was asked for, when asking changes nothing there."""
    try:
        yield
    except (SmsRefused, SmsInDoubt, ValueError, TypeError, AttributeError, KeyError, TwilioException):
        raise SmsUnavailable from None


def _is_ours(message: MessageInstance, body: str) -> bool:
    """A trial account's texts begin with words of Twilio's; its Messaging Services put plainer signs for some of ours. What
    was answered with a webhook (HELP) is no attempt."""
    if str(message.direction) in ("inbound", "outbound-reply"):
        return False
    if not message.body or str(message.body).endswith(body):
        return True
    letters = _letters(body)
    return bool(letters) and _letters(str(message.body)).endswith(letters)


def _letters(text: str) -> str:
    return "".join(sign for sign in fold(text) if sign.isalnum())


def _found(message: MessageInstance) -> FoundMessage:
    return FoundMessage(
        message.sid,
        str(message.status),
        message.date_created.astimezone(UTC),
        _number(message.error_code),
        redacted=not message.body,
    )


def _received(message: MessageInstance) -> SmsReceived:
    return SmsReceived(
        str(message.sid),
        str(message.from_),
        str(message.body or ""),
        message.date_created.astimezone(UTC),
        _number(message.num_media) or 0,
    )


def _price(message: MessageInstance) -> SmsPrice | None:
    """Twilio takes money off the account: its price is negative, and null until it is known."""
    try:
        price = Decimal(str(message.price))
        millionths = int((abs(price) * 1_000_000).to_integral_value())
    except (ArithmeticError, ValueError):
        return None
    return SmsPrice(str(message.sid), millionths, str(message.price_unit).upper()[:3])


def _number(code: object) -> int | None:
    return int(code) if isinstance(code, int | str) and _DIGITS.fullmatch(str(code)) else None


class _TwilioHttp(HttpClient):  # type: ignore[misc]
    """What twilio's Client sends its requests with, in place of its own on requests.

    Raises SmsRefused, SmsUnavailable or SmsInDoubt unless the answer is a 2xx.
    """

    def __init__(self, pool: HttpPool) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False, timeout=None)
        self._pool = pool

    def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """The address's host gives way to the pool's; its time limits are the pool's too."""
        address = urlsplit(uri)
        query = "&".join(part for part in (address.query, urlencode(params, doseq=True) if params else "") if part)
        try:
            answer = self._pool.exchange(
                method,
                address.path + (f"?{query}" if query else ""),
                _form(data or {}) if method == "POST" else None,
                {**(headers or {}), **_authorization(auth)},
                asked_at=_asked_at.get(),
            )
        except NotSent as error:
            raise SmsUnavailable from error
        except AnswerLost as error:
            raise SmsInDoubt(f"no answer: {error}") from error
        if not 200 <= answer.status < 300:
            raise _failure(answer)
        return Response(answer.status, answer.text, answer.headers)


_QUOTED = {byte: quote_plus(bytes([byte])) for byte in range(256)}


def _form(data: Mapping[str, object]) -> bytes:
    """urllib's urlencode looks at each letter by itself: slower than the rest of the request."""
    fields = (f"{name}={str(value).encode().decode('latin-1').translate(_QUOTED)}" for name, value in data.items())
    return "&".join(fields).encode()


def _authorization(auth: tuple[str, str] | None) -> dict[str, str]:
    if auth is None:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(":".join(auth).encode()).decode()}


def _failure(answer: Answer) -> SmsRefused | SmsUnavailable | SmsInDoubt:
    """What an answer other than 2xx says about the message. Twilio's own code speaks before the HTTP status."""
    code, retry_after = _twilio_code(answer.text), _retry_after(answer.headers)
    status = answer.status
    meaning = ERROR_CODES.get(code) if code is not None else None
    if meaning is CodeMeaning.LATER or (meaning is not None and status < 500):
        return failure_of(code, retry_after=retry_after)
    if status == 429 or status < 400:  # a redirect of a POST is nothing Twilio does: it reached something else
        return SmsUnavailable(retry_after, error_code=code)
    if status in (401, 407):
        return SmsUnavailable(retry_after, error_code=code, ours_to_mend=True)
    if status == 503 and retry_after is not None:
        return SmsUnavailable(retry_after, error_code=code)
    # A gateway says 502, 503 or 504 also when it lost the server after handing the request on, 408 likewise.
    if status >= 500 or status == 408:
        return SmsInDoubt(f"HTTP {status}")
    return SmsRefused(code, RefusalReason.UNKNOWN)


def _twilio_code(text: str) -> int | None:
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return _number(content.get("code")) if isinstance(content, dict) else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from a Retry-After of either form, a day at most; a date is counted from the server's own Date."""
    value = headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_RETRY_AFTER)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
        return min(max((until - now).total_seconds(), 0.0), _LONGEST_RETRY_AFTER)
    except (ValueError, TypeError):  # TypeError: one of the two without a zone
        return None
