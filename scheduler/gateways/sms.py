"""The protocol of sending one SMS, and what its failures mean.

The three errors answer one question, "may it be sent again?":
`SmsRefused` no; `SmsUnavailable` yes, later; `SmsInDoubt` not before `find` has looked for it.
None of them carries the number or the text, so that a logged error tells nothing about a patient.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SmsAccepted:
    """The provider has taken the message over. `status` is its first one: no callback comes for that. `error_code`: why,
    when it has failed already."""

    sid: str
    status: str
    error_code: int | None = None


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message the provider lists. The caller leaves out sids it already knows: two texts may be alike.

    `redacted`: its text is no longer kept there, so it may be another one.
    """

    sid: str
    status: str
    created_at: datetime
    error_code: int | None = None
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class SmsPrice:
    """What the provider asks for one message; `unit` a currency of ISO 4217, in capitals."""

    sid: str
    millionths: int
    unit: str


@dataclass(frozen=True, slots=True)
class SmsReceived:
    """A text that somebody sent us, as the provider lists it. `attachments`: how many pictures or other files."""

    sid: str
    number: str
    body: str
    received_at: datetime
    attachments: int = 0


class SmsGateway(Protocol):
    """Must be safe to call from many threads at once."""

    def send(self, *, to: str, body: str, attempt_id: str, asked_at: float | None = None) -> SmsAccepted:
        """Send `body` to the E.164 number `to`; `attempt_id` comes back in the status-callback address.

        `asked_at`, by `clock.steady` (none: now): what has not left ten seconds later never leaves.

        Raises SmsRefused, SmsUnavailable or SmsInDoubt.
        """

    def find(self, *, to: str, body: str, since: datetime) -> tuple[FoundMessage, ...]:
        """Messages with this text, or with one that is no longer known, to this number made at or after `since` (aware), oldest first.

        An empty answer soon after the attempt proves nothing: a queued message may not be listed yet.
        Raises SmsUnavailable when the provider cannot be asked.
        """

    def status_of(self, *, sid: str) -> FoundMessage | None:
        """What the provider says of a message it accepted; None when it knows none such.

        Raises SmsUnavailable when it cannot be asked.
        """

    def blank(self, *, sid: str) -> None:
        """Have the provider forget what a text said whose fate is final; that it was sent stays.

        Raises SmsRefused when it will not, or knows no such text; SmsUnavailable or SmsInDoubt when it is to be tried again.
        """

    def prices_on(self, day: date) -> list[SmsPrice]:
        """Of the messages sent on this day (UTC), as far as they are known by now.

        Raises SmsUnavailable when the provider cannot be asked.
        """

    def received_since(self, since: datetime) -> Iterator[list[SmsReceived]]:
        """All texts to our sender that the provider got at or after `since` (aware), oldest first, some hundred at a time.

        Each step may raise SmsUnavailable: what was given before it is complete as far as it goes.
        """


class RefusalReason(StrEnum):
    OPTED_OUT = "opted-out"
    BAD_NUMBER = "bad-number"
    UNDELIVERABLE = "undeliverable"
    UNKNOWN = "unknown"


class SmsRefused(Exception):
    """Permanent: sending the same again would be refused again."""

    def __init__(self, error_code: int | None, reason: RefusalReason) -> None:
        super().__init__(f"refused: {reason} (error {error_code})")
        self.error_code = error_code
        self.reason = reason


class SmsUnavailable(Exception):
    """Surely not accepted; try later, not before `retry_after` seconds when the provider named them.

    `ours_to_mend`: waiting alone will not help, the clinic's own settings are wrong (token, sender, credit).
    """

    def __init__(
        self, retry_after: float | None = None, *, error_code: int | None = None, ours_to_mend: bool = False
    ) -> None:
        super().__init__(f"unavailable (error {error_code}, retry after {retry_after})")
        self.retry_after = retry_after
        self.error_code = error_code
        self.ours_to_mend = ours_to_mend


class SmsInDoubt(Exception):
    """The provider may have accepted it: look with `find` before anything is sent again."""


class CodeMeaning(StrEnum):
    OPTED_OUT = "opted-out"
    BAD_NUMBER = "bad-number"
    UNDELIVERABLE = "undeliverable"
    LATER = "later"
    OUR_SETTINGS = "our-settings"


# The only table of Twilio's error codes (https://www.twilio.com/docs/api/errors; Twilio says they change).
# The 3xxxx ones come in status callbacks, the others in the answer to a request.
ERROR_CODES: Mapping[int, CodeMeaning] = MappingProxyType(
    {
        21610: CodeMeaning.OPTED_OUT,
        21211: CodeMeaning.BAD_NUMBER,  # not a phone number
        21214: CodeMeaning.BAD_NUMBER,  # cannot be reached
        21217: CodeMeaning.BAD_NUMBER,
        21265: CodeMeaning.BAD_NUMBER,  # a short code
        21266: CodeMeaning.BAD_NUMBER,  # our own number
        21408: CodeMeaning.UNDELIVERABLE,  # a country we may not send to
        21612: CodeMeaning.UNDELIVERABLE,  # no route from our sender
        21614: CodeMeaning.BAD_NUMBER,  # not a mobile number
        21635: CodeMeaning.BAD_NUMBER,  # a landline
        30002: CodeMeaning.OUR_SETTINGS,  # account suspended
        30003: CodeMeaning.LATER,  # the telephone is off or out of reach
        30001: CodeMeaning.LATER,  # queue overflow
        30004: CodeMeaning.UNDELIVERABLE,  # blocked
        30005: CodeMeaning.BAD_NUMBER,  # unknown or no longer in service
        30006: CodeMeaning.BAD_NUMBER,  # a landline
        30007: CodeMeaning.UNDELIVERABLE,  # filtered by the carrier
        30008: CodeMeaning.UNDELIVERABLE,  # unknown cause
        30017: CodeMeaning.LATER,  # the carrier's network is congested
        30022: CodeMeaning.LATER,  # the carrier's rate limit
        30023: CodeMeaning.LATER,  # the carrier's limit for the day
        30027: CodeMeaning.LATER,  # the same, of one carrier
        30032: CodeMeaning.OUR_SETTINGS,  # a toll-free number not verified yet
        30034: CodeMeaning.OUR_SETTINGS,  # a long code not registered for the US (A2P 10DLC)
        30036: CodeMeaning.LATER,  # waited at the provider for too long, and was not sent
        20429: CodeMeaning.LATER,
        14107: CodeMeaning.LATER,  # too many messages from this sender
        21611: CodeMeaning.LATER,  # this sender's queue is full
        63038: CodeMeaning.LATER,  # the account's limit for the day
        63017: CodeMeaning.LATER,  # the channel's rate limit
        21730: CodeMeaning.LATER,  # maintenance
        20503: CodeMeaning.LATER,
        20003: CodeMeaning.OUR_SETTINGS,  # wrong account or token
        20005: CodeMeaning.OUR_SETTINGS,  # account not active
        21603: CodeMeaning.OUR_SETTINGS,  # no sender
        21608: CodeMeaning.UNDELIVERABLE,  # a trial account, and a number not verified with it
        21606: CodeMeaning.OUR_SETTINGS,  # the sender is not ours, or cannot send SMS
        21609: CodeMeaning.OUR_SETTINGS,  # the public address is not one Twilio can call back
        21659: CodeMeaning.OUR_SETTINGS,  # the sender is not a number of this account
        21660: CodeMeaning.OUR_SETTINGS,  # the same
        21661: CodeMeaning.OUR_SETTINGS,  # the sender cannot send SMS
        21701: CodeMeaning.OUR_SETTINGS,  # no such messaging service
        21703: CodeMeaning.OUR_SETTINGS,  # a messaging service without a sender
    }
)


def failure_of(error_code: int | None, *, retry_after: float | None = None) -> SmsRefused | SmsUnavailable:
    """What an error code means, in an answer or in a status callback. An unknown one is permanent."""
    match ERROR_CODES.get(error_code) if error_code is not None else None:
        case None:
            return SmsRefused(error_code, RefusalReason.UNKNOWN)
        case CodeMeaning.LATER:
            return SmsUnavailable(retry_after, error_code=error_code)
        case CodeMeaning.OUR_SETTINGS:
            return SmsUnavailable(retry_after, error_code=error_code, ours_to_mend=True)
        case meaning:
            return SmsRefused(error_code, RefusalReason(meaning.value))
