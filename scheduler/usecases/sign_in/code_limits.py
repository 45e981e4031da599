"""How many sign-in codes go out, and to whom when there are not enough for everybody.

What everybody may ask for is a part of the day's codes, with a share an hour. The rest is for numbers that are
patients'. When everybody's part is used up a code goes only to those, and nobody can see from the answer whether a
number is one of them.
"""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from math import ceil

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import TooManyTries
from scheduler.models.patients.patient import Patient, PhoneAccount
from scheduler.models.staff.access import RateCounter
from scheduler.usecases.rate_limit import network_keys, rate_key, require_network_allowed
from scheduler.usecases.sign_in.code_pots import Pot, take, used_up_until
from scheduler.usecases.sign_in.wrong_codes import require_no_pause

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PREFIX = len("+1613555")
"""Numbers made up to be texted for money (SMS pumping) share their beginning."""


@dataclass(frozen=True, slots=True)
class CodeLimits:
    """How many codes go out. With 5 tries each, 10 a day give a guesser one chance in 20,000 a day at a number.

    `per_address_hour` is generous because a mobile carrier puts many phones behind one address.
    """

    resend_seconds: int = 30
    per_number_hour: int = 5
    per_number_day: int = 10
    per_address_hour: int = 30
    per_address_day: int = 90
    per_prefix_day: int = 200
    per_day: int = 500
    everybodys_part: float = 0.6  # of the day's codes, and of the month's parts
    hours_share: float = 0.25  # of everybody's part of the day

    @property
    def everybodys_day(self) -> int:
        return ceil(self.per_day * self.everybodys_part)


@dataclass(frozen=True, slots=True)
class CodeUse:
    """`used` of the `of` codes of the day under way. Codes go to patients' numbers alone until `sparing_until`, and to
    nobody until `none_until`."""

    used: int
    of: int
    sparing_until: datetime | None
    none_until: datetime | None

    @property
    def is_worth_telling(self) -> bool:
        """From half of the day's codes on."""
        return self.used * 2 >= self.of or self.sparing_until is not None


def require_within_limits(
    session: Session, *, number: str, address: str, secret: str, limits: CodeLimits, now: datetime
) -> None:
    """Of this visitor and this number. In the same order for everybody: no deadlock."""
    require_no_pause(session, key=wrong_codes_key(secret, number), now=now)
    for limit, window, name in (
        (limits.per_address_hour, HOUR, "address"),
        (limits.per_address_day, DAY, "address-day"),
    ):
        keys = network_keys(secret, "code", name, address=address)
        require_network_allowed(session, keys=keys, limit=limit, window=window, now=now)
    take(
        session,
        [
            Pot(resend_key(secret, number), 1, now + timedelta(seconds=limits.resend_seconds)),
            Pot(rate_key(secret, "code", "number-hour", number), limits.per_number_hour, now + HOUR),
            Pot(rate_key(secret, "code", "number-day", number), limits.per_number_day, now + DAY),
        ],
        now,
    )


def is_for_this_number(
    session: Session, *, number: str, secret: str, limits: CodeLimits, clinic: ClinicSettings, parts: int, now: datetime
) -> bool:
    """Take a code of so many `parts` from what there is for everybody or, when that is used up, for patients' numbers.
    False: this number gets none. Refuses by TooManyTries when there is none for anybody."""
    everybodys = pots_of_everybody(secret, number, limits, clinic, now, parts)
    try:
        take(session, everybodys, now)
    except TooManyTries as used_up:
        known = is_a_patients(session, number)
        reserve = pots_of_patients(secret, limits, clinic, now, parts)
        take(session, [replace(pot, pretend=not known) for pot in reserve], now, not_before=used_up.again_at)
        return known
    return True


def sparing_until(
    session: Session, *, number: str, secret: str, limits: CodeLimits, clinic: ClinicSettings, now: datetime
) -> datetime | None:
    """Until when codes go to patients' numbers alone; None when everybody gets one."""
    return used_up_until(session, pots_of_everybody(secret, number, limits, clinic, now), now)


def pots_of_everybody(
    secret: str, number: str, limits: CodeLimits, clinic: ClinicSettings, now: datetime, parts: int = 1
) -> list[Pot]:
    """The row that everybody shares last, for the shortest wait."""
    a_day, part = limits.everybodys_day, limits.everybodys_part
    return [
        Pot(rate_key(secret, "code", "prefix", number[:PREFIX]), limits.per_prefix_day, now + DAY),
        *shared_pots(secret, clinic, now, "everybody", a_day, part, parts),
        Pot(rate_key(secret, "code", "everybody's hour"), ceil(a_day * limits.hours_share), now + HOUR),
    ]


def pots_of_patients(
    secret: str, limits: CodeLimits, clinic: ClinicSettings, now: datetime, parts: int = 1
) -> list[Pot]:
    a_day, part = limits.per_day - limits.everybodys_day, 1 - limits.everybodys_part
    return shared_pots(secret, clinic, now, "patients", a_day, part, parts)


def shared_pots(
    secret: str, clinic: ClinicSettings, now: datetime, whose: str, a_day: int, part: float, parts: int
) -> list[Pot]:
    """Of the day's codes, and of the month's parts where those are limited."""
    pots = [Pot(rate_key(secret, "code", whose, "day"), a_day, now + DAY)]
    if clinic.code_parts_monthly:
        month, ends_at = _month(clinic, now)
        key = rate_key(secret, "code", whose, "month", month)
        pots.append(Pot(key, int(clinic.code_parts_monthly * part), ends_at, parts))
    return pots


def code_use(session: Session, *, secret: str, limits: CodeLimits, clinic: ClinicSettings, now: datetime) -> CodeUse:
    """For the desk. A beginning of numbers that is used up by itself is not told."""
    everybodys = pots_of_everybody(secret, "", limits, clinic, now)[1:]
    patients = pots_of_patients(secret, limits, clinic, now)
    days = [everybodys[0].key, patients[0].key]
    used = session.scalar(
        select(func.sum(RateCounter.count)).where(RateCounter.key.in_(days), RateCounter.ends_at > now)
    )
    return CodeUse(
        used=min(used or 0, limits.per_day),
        of=limits.per_day,
        sparing_until=used_up_until(session, everybodys, now),
        none_until=used_up_until(session, patients, now),
    )


def is_a_patients(session: Session, number: str) -> bool:
    theirs = exists().where(PhoneAccount.number == number, Patient.phone_account_id == PhoneAccount.id)
    return bool(session.scalar(select(theirs)))


def resend_key(secret: str, number: str) -> str:
    return rate_key(secret, "code", "resend", number)


def wrong_codes_key(secret: str, number: str) -> str:
    return rate_key(secret, "code", "wrong", number)


def _month(clinic: ClinicSettings, now: datetime) -> tuple[str, datetime]:
    """Its name, and when it ends at the clinic."""
    place = clock.zone(clinic.zone)
    first = clock.to_local(now, place).date().replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return f"{first:%Y-%m}", clock.to_utc_or_near(datetime.combine(following, time.min), place)
