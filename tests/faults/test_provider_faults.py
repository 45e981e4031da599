"""Whatever the provider does with one text, its telephone gets it once, or not at all where that was refused."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.gateways.twilio_sms import TwilioSettings, TwilioSms
from scheduler.models import PhoneAccount
from tests.faults.conftest import Clinic
from tests.support.fake_twilio import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    BAD_GATEWAY_AFTER_ACCEPTING,
    CUT_THE_ANSWER,
    DROP_AFTER_ACCEPTING,
    DROP_BEFORE_ACCEPTING,
    ERROR_AFTER_ACCEPTING,
    ERROR_BEFORE_ACCEPTING,
    NOT_A_MESSAGE,
    FakeTwilio,
    Fault,
    refused,
    slow,
    too_many,
    unavailable,
    unlisted,
)
from tests.usecases.texts.sms_clinic import send_reminders, settle

PASSING = {
    "drop before accepting": DROP_BEFORE_ACCEPTING,
    "drop after accepting": DROP_AFTER_ACCEPTING,
    "cut the answer": CUT_THE_ANSWER,
    "500 before accepting": ERROR_BEFORE_ACCEPTING,
    "500 after accepting": ERROR_AFTER_ACCEPTING,
    "502 after accepting": BAD_GATEWAY_AFTER_ACCEPTING,
    "a page of somebody else's": NOT_A_MESSAGE,
    "429": too_many(),
    "503": unavailable(),
    "slow": slow(0.5),
    "listed late": unlisted(0.5),
}


@pytest.fixture
def sms(twilio: FakeTwilio) -> TwilioSms:
    return TwilioSms(
        TwilioSettings(
            account_sid=ACCOUNT_SID,
            auth_token=AUTH_TOKEN,
            public_url="https://book.example.ca",
            from_number="+16135550100",
            api_origin=twilio.origin,
        )
    )


def live(engine: Engine, sms: TwilioSms, *, minutes: int, from_hour: int = 15) -> None:
    """Ticks for some minutes of the whole process's clock, Twilio's included."""
    start = (clock.now() + timedelta(days=1)).replace(hour=from_hour)  # no night at the clinic
    with time_machine.travel(start, tick=True) as traveller:
        for _ in range(minutes * 3):
            settle(engine, sms, clock.now)
            send_reminders(engine, sms, clock.now)
            traveller.shift(timedelta(seconds=20))


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_a_fault_that_passes_costs_a_delay_and_nothing_else(
    clinic: Clinic, engine: Engine, twilio: FakeTwilio, sms: TwilioSms, fault: Fault
):
    clinic.make_reminders(4)
    twilio.faults.next(fault, None, fault)
    live(engine, sms, minutes=4)
    assert clinic.statuses() == {"sent": 4}
    assert set(clinic.texts_by_number().values()) == {1}
    assert len(clinic.texts_by_number()) == 4


@pytest.mark.parametrize(
    ("code", "status", "is_opted_out", "is_unreachable"),
    [(21610, 400, True, False), (21211, 400, False, True), (21408, 400, False, False), (29999, 400, False, False)],
)
def test_a_refusal_is_final(
    clinic: Clinic,
    engine: Engine,
    twilio: FakeTwilio,
    sms: TwilioSms,
    code: int,
    status: int,
    is_opted_out: bool,
    is_unreachable: bool,
):
    clinic.make_reminders(1)
    twilio.faults.next(refused(code, status=status))
    live(engine, sms, minutes=3)
    assert clinic.statuses() == {"failed": 1}
    assert twilio.messages == []
    with Session(engine) as session:
        account = session.scalars(select(PhoneAccount)).one()
        assert (account.opted_out_at is not None, account.unreachable_at is not None) == (is_opted_out, is_unreachable)


def test_nothing_is_lost_while_the_provider_is_away(clinic: Clinic, engine: Engine, twilio: FakeTwilio, sms: TwilioSms):
    clinic.make_reminders(5)
    with twilio.refusing_connections():
        live(engine, sms, minutes=2)
        assert clinic.statuses() == {"planned": 5}
    live(engine, sms, minutes=6, from_hour=16)
    assert clinic.statuses() == {"sent": 5}
    assert set(clinic.texts_by_number().values()) == {1}


def test_a_wrong_token_is_tried_again_once_it_is_mended(
    clinic: Clinic, engine: Engine, twilio: FakeTwilio, sms: TwilioSms
):
    clinic.make_reminders(2)
    twilio.faults.next(refused(20003, status=401), refused(20003, status=401))
    live(engine, sms, minutes=3)
    assert clinic.statuses() == {"sent": 2}
