import io
from datetime import UTC, datetime

from scheduler.gateways.outbox_sms import OutboxSms
from scheduler.gateways.sms import SmsGateway

TO = "+16135550142"


def test_the_outbox_writes_the_text_to_the_console_and_accepts() -> None:
    console = io.StringIO()
    accepted = OutboxSms(console).send(to=TO, body="Rendez-vous à 17 h", attempt_id="a1")

    assert console.getvalue() == "SMS to +16135550142: Rendez-vous à 17 h\n"
    assert accepted.sid == "outbox-a1"


def test_the_outbox_accepts_also_without_a_console() -> None:
    closed = io.StringIO()
    closed.close()
    for stream in (None, closed):
        assert OutboxSms(stream).send(to=TO, body="x", attempt_id="a1").sid == "outbox-a1"


def test_a_console_without_accents_loses_no_text() -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii", newline="\n") as console:
        OutboxSms(console).send(to=TO, body="à 17 h", attempt_id="a1")
        assert raw.getvalue() == b"SMS to +16135550142: \\xe0 17 h\n"


def test_an_attempt_cut_short_is_not_in_the_outbox() -> None:
    gateway: SmsGateway = OutboxSms(None)
    assert gateway.find(to=TO, body="x", since=datetime(2026, 11, 22, tzinfo=UTC)) == ()
