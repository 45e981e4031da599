"""SMS through Twilio. The only importer of twilio.

Neither numbers, texts nor tokens go to a log or into an error: twilio's own HTTP client logs requests, and its
exceptions quote the number, so that ours are raised before its exceptions are made.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from twilio.base.exceptions import TwilioException
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from scheduler.domain.folding import fold
from scheduler.gateways.sms import (
    FoundMessage,
    SmsAccepted,
    SmsInDoubt,
    SmsPrice,
    SmsReceived,
    SmsRefused,
    SmsUnavailable,
)
from scheduler.gateways.twilio_http import TwilioHttp, number

API_ORIGIN = "https://api.twilio.com"
_CLOCK_SKEW = timedelta(days=1)  # this machine's may be hours ahead of Twilio's; texts that we know are left out anyway
_PAGE = 200
_MOST_PRICES = 50_000  # of one day
_LARGEST_PAGE = 1_000  # https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources
NO_SUCH_MESSAGE = 20404


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
        self._http = TwilioHttp(settings.api_origin or API_ORIGIN)
        self._messages = Client(settings.account_sid, settings.auth_token, http_client=self._http).messages
        self._settings = settings
        self._address = f"{API_ORIGIN}/2010-04-01/Accounts/{settings.account_sid}/Messages.json"

    def send(self, *, to: str, body: str, attempt_id: str, asked_at: float | None = None) -> SmsAccepted:
        callback = f"{self._callbacks}/{attempt_id}"
        data = {"To": to, "Body": body, "StatusCallback": callback, **self._sender}
        # Not messages.create: the Client has no way to hand on until when the request may leave.
        auth = (self._settings.account_sid, self._settings.auth_token)
        response = self._http.request("POST", self._address, data=data, auth=auth, asked_at=asked_at)
        try:
            message = json.loads(response.text)
            sid, status, error_code = message["sid"], message["status"], message.get("error_code")
        except (ValueError, TypeError, KeyError):
            # A 2xx that is not a message; the answer, which may quote the number, is not kept as the cause.
            raise SmsInDoubt("an answer that could not be read") from None
        if not sid:
            raise SmsInDoubt("an answer without a sid")
        return SmsAccepted(str(sid), str(status), number(error_code))

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

    def blank(self, *, sid: str) -> None:
        """https://www.twilio.com/docs/messaging/api/message-resource#redact-a-message: an empty Body."""
        auth = (self._settings.account_sid, self._settings.auth_token)
        self._http.request("POST", self._address.replace(".json", f"/{sid}.json"), data={"Body": ""}, auth=auth)

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
        number(message.error_code),
        redacted=not message.body,
    )


def _received(message: MessageInstance) -> SmsReceived:
    return SmsReceived(
        str(message.sid),
        str(message.from_),
        str(message.body or ""),
        message.date_created.astimezone(UTC),
        number(message.num_media) or 0,
    )


def _price(message: MessageInstance) -> SmsPrice | None:
    """Twilio takes money off the account: its price is negative, and null until it is known."""
    try:
        price = Decimal(str(message.price))
        millionths = int((abs(price) * 1_000_000).to_integral_value())
    except (ArithmeticError, ValueError):
        return None
    return SmsPrice(str(message.sid), millionths, str(message.price_unit).upper()[:3])
