import itertools
import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3

from scheduler import clock
from scheduler.gateways import twilio_http
from scheduler.gateways.sms import (
    RefusalReason,
    SmsAccepted,
    SmsInDoubt,
    SmsPrice,
    SmsReceived,
    SmsRefused,
    SmsUnavailable,
)
from scheduler.gateways.twilio_sms import TwilioSettings, TwilioSms
from scheduler.usecases.texts.sending.sending import Outgoing, call
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
    FakeMessage,
    FakeTwilio,
    Fault,
    refused,
    slow,
    too_many,
    unavailable,
    unlisted,
)

TO = "+16135550142"
BODY = "Clinique Érable: mardi 8 décembre 17 h 30 avec Anaïs. https://c.example/me"


def make_sms(twilio: FakeTwilio, **settings: str | None) -> TwilioSms:
    chosen: dict[str, str | None] = {
        "account_sid": ACCOUNT_SID,
        "auth_token": AUTH_TOKEN,
        "public_url": "https://clinic.example",
        "from_number": "+16135550100",
        "api_origin": twilio.origin,
    } | settings
    return TwilioSms(TwilioSettings(**chosen))  # type: ignore[arg-type]


def send(sms: TwilioSms, *, to: str = TO, body: str = BODY, attempt_id: str = "a1") -> str:
    return sms.send(to=to, body=body, attempt_id=attempt_id).sid


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake:
        yield fake


@pytest.fixture
def sms(twilio: FakeTwilio) -> TwilioSms:
    return make_sms(twilio)


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twilio_http, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(twilio_http, "READ_SECONDS", 0.3)


def test_a_message_is_accepted_with_its_text_number_and_attempt(twilio: FakeTwilio, sms: TwilioSms) -> None:
    accepted = sms.send(to=TO, body=BODY, attempt_id="attempt-1")

    [message] = twilio.messages
    assert (accepted.sid, accepted.status) == (message.sid, "queued")
    assert (message.to, message.body, message.from_) == (TO, BODY, "+16135550100")
    assert message.status_callback == "https://clinic.example/twilio/status/attempt-1"


def test_an_answer_may_say_already_that_the_message_failed_and_why(twilio: FakeTwilio, sms: TwilioSms) -> None:
    def fail(message: FakeMessage) -> None:
        message.status, message.error_code = "failed", 30007

    twilio.on_accepted = fail
    accepted = sms.send(to=TO, body=BODY, attempt_id="attempt-1")

    assert (accepted.status, accepted.error_code) == ("failed", 30007)


def test_a_messaging_service_may_choose_the_number(twilio: FakeTwilio) -> None:
    service = "MG" + "a" * 32
    send(make_sms(twilio, from_number=None, messaging_service_sid=service))

    assert (twilio.messages[0].from_, twilio.messages[0].messaging_service_sid) == (None, service)


def test_settings_without_a_sender_are_refused_and_do_not_show_the_token() -> None:
    with pytest.raises(ValueError, match="send from"):
        TwilioSettings(account_sid="AC", auth_token="t0ken", public_url="https://c.example")
    shown = repr(TwilioSettings(account_sid="AC", auth_token="t0ken", public_url="https://c.example", from_number="+1"))
    assert "t0ken" not in shown


def test_one_connection_serves_many_messages(
    twilio: FakeTwilio, sms: TwilioSms, monkeypatch: pytest.MonkeyPatch
) -> None:
    connects: list[object] = []
    connect = urllib3.connection.HTTPConnection.connect
    monkeypatch.setattr(
        urllib3.connection.HTTPConnection, "connect", lambda self: (connects.append(self), connect(self))[1]
    )
    for number in range(5):
        send(sms, attempt_id=f"a{number}")

    assert (len(twilio.messages), len(connects)) == (5, 1)


def test_a_connection_the_server_closed_meanwhile_is_replaced_without_a_second_message(
    twilio: FakeTwilio, sms: TwilioSms
) -> None:
    send(sms, attempt_id="before")
    with twilio.refusing_connections():
        time.sleep(0.05)
    send(sms, attempt_id="after")

    assert [message.attempt_id for message in twilio.messages] == ["before", "after"]


def test_64_at_once_do_not_wait_for_each_other(twilio: FakeTwilio, sms: TwilioSms) -> None:
    twilio.latency_seconds = 0.3
    began = time.monotonic()
    with ThreadPoolExecutor(64) as threads:
        sids = set(threads.map(lambda number: send(sms, attempt_id=str(number)), range(64)))

    assert len(sids) == 64
    # One after the other they take 64 times the latency; a busy machine takes its time, but never half of that.
    assert time.monotonic() - began < 64 * twilio.latency_seconds / 2


@pytest.mark.parametrize(
    ("fault", "retry_after", "ours"),
    [
        (too_many(retry_after=7), 7.0, False),
        (Fault(accepts=False, status=429, page="slow down"), None, False),
        (unavailable(retry_after=3), 3.0, False),
        (Fault(accepts=False, status=503, code=20503), None, False),
        (Fault(accepts=False, status=503, page="maintenance", headers={"Retry-After": "9"}), 9.0, False),
        (Fault(accepts=False, status=302, page="", headers={"Location": "http://guest.example"}), None, False),
        (refused(21606), None, True),
        (refused(20003, status=401), None, True),
        (Fault(accepts=False, status=401, page="no"), None, True),
        (
            Fault(
                accepts=False,
                status=429,
                code=20429,
                headers={"Date": "Sun, 22 Nov 2026 10:00:00 GMT", "Retry-After": "Sun, 22 Nov 2026 10:01:30 GMT"},
            ),
            90.0,
            False,
        ),
        (Fault(accepts=False, status=429, code=20429, headers={"Retry-After": "soon"}), None, False),
        (Fault(accepts=False, status=429, code=20429, headers={"Retry-After": "²"}), None, False),
        (Fault(accepts=False, status=429, code=20429, headers={"Retry-After": "9" * 400}), 86_400.0, False),
    ],
)
def test_surely_not_accepted_may_be_sent_again_later(
    twilio: FakeTwilio, sms: TwilioSms, fault: Fault, retry_after: float | None, ours: bool
) -> None:
    twilio.faults.next(fault)
    with pytest.raises(SmsUnavailable) as caught:
        send(sms)

    assert (caught.value.retry_after, caught.value.ours_to_mend) == (retry_after, ours)
    assert twilio.messages == []


def test_no_server_at_all_is_surely_not_accepted(twilio: FakeTwilio, sms: TwilioSms) -> None:
    send(sms)  # so that there is a kept connection, too
    with twilio.refusing_connections(), pytest.raises(SmsUnavailable):
        send(sms)
    assert len(twilio.messages) == 1


def test_a_server_whose_name_is_not_known_is_surely_not_accepted(
    twilio: FakeTwilio, sms: TwilioSms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(SmsUnavailable):
        send(sms)
    assert twilio.messages == []


def test_a_server_that_does_not_let_us_in_in_time_is_surely_not_accepted(
    twilio: FakeTwilio, short_patience: None
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # never speaks TLS
        sms = make_sms(twilio, api_origin=f"https://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(SmsUnavailable):
            send(sms)


@pytest.mark.parametrize(
    ("fault", "accepted"),
    [
        (DROP_BEFORE_ACCEPTING, 0),
        (DROP_AFTER_ACCEPTING, 1),
        (CUT_THE_ANSWER, 1),
        (ERROR_BEFORE_ACCEPTING, 0),
        (ERROR_AFTER_ACCEPTING, 1),
        (BAD_GATEWAY_AFTER_ACCEPTING, 1),
        (Fault(status=503, page="upstream connection terminated"), 1),
        (Fault(status=504, page="gateway timeout"), 1),
        (Fault(status=408, page=""), 1),
        (NOT_A_MESSAGE, 0),
        (Fault(status=201, page="{}"), 1),
        (Fault(status=201, page="[]"), 1),
    ],
)
def test_what_may_have_been_accepted_is_in_doubt(
    twilio: FakeTwilio, sms: TwilioSms, fault: Fault, accepted: int
) -> None:
    twilio.faults.next(fault)
    with pytest.raises(SmsInDoubt):
        send(sms)

    assert len(twilio.messages) == accepted  # and not a second time by the client's own doing
    assert send(sms, attempt_id="next")


def test_an_answer_that_does_not_come_in_time_is_in_doubt(twilio: FakeTwilio, short_patience: None) -> None:
    twilio.faults.next(slow(2))
    with pytest.raises(SmsInDoubt):
        send(make_sms(twilio))
    assert len(twilio.messages) == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (21610, RefusalReason.OPTED_OUT),
        (21211, RefusalReason.BAD_NUMBER),
        (21614, RefusalReason.BAD_NUMBER),
        (21635, RefusalReason.BAD_NUMBER),
        (21612, RefusalReason.UNDELIVERABLE),
        (29999, RefusalReason.UNKNOWN),
    ],
)
def test_a_refusal_is_permanent_and_names_its_reason(
    twilio: FakeTwilio, sms: TwilioSms, code: int, reason: RefusalReason
) -> None:
    twilio.faults.next(refused(code))
    with pytest.raises(SmsRefused) as caught:
        send(sms)

    assert (caught.value.error_code, caught.value.reason) == (code, reason)


def test_a_4xx_without_a_code_is_an_unknown_refusal(twilio: FakeTwilio, sms: TwilioSms) -> None:
    twilio.faults.next(Fault(accepts=False, status=400, page="<html>no</html>"))
    with pytest.raises(SmsRefused) as caught:
        send(sms)
    assert (caught.value.error_code, caught.value.reason) == (None, RefusalReason.UNKNOWN)


def test_somebody_who_texted_stop_is_refused_as_opted_out(twilio: FakeTwilio, sms: TwilioSms) -> None:
    twilio.opted_out.add(TO)
    with pytest.raises(SmsRefused) as caught:
        send(sms)
    assert caught.value.reason is RefusalReason.OPTED_OUT


def test_wrong_credentials_are_ours_to_mend(twilio: FakeTwilio) -> None:
    with pytest.raises(SmsUnavailable) as caught:
        send(make_sms(twilio, auth_token="old token"))
    assert (caught.value.error_code, caught.value.ours_to_mend) == (20003, True)


def test_neither_number_nor_text_nor_token_is_logged_or_in_an_error(
    twilio: FakeTwilio, sms: TwilioSms, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    send(sms)
    told = []
    for fault in (refused(21211), refused(29998), ERROR_AFTER_ACCEPTING, DROP_AFTER_ACCEPTING, NOT_A_MESSAGE):
        twilio.faults.next(fault)
        with pytest.raises((SmsRefused, SmsInDoubt)) as caught:
            send(sms)
        error: BaseException | None = caught.value
        while error is not None:
            told.append(f"{error} {error!r}")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    sms.find(to=TO, body=BODY, since=datetime.now(UTC))

    for secret in ("6135550142", "Érable", AUTH_TOKEN):
        assert secret not in caplog.text + " ".join(told)


def find(sms: TwilioSms, *, to: str = TO, body: str = BODY, ago: timedelta = timedelta(minutes=1)) -> list[str]:
    return [found.sid for found in sms.find(to=to, body=body, since=datetime.now(UTC) - ago)]


def test_an_attempt_in_doubt_is_found_by_number_and_text(twilio: FakeTwilio, sms: TwilioSms) -> None:
    send(sms, to="+16135550143")
    send(sms, body="Something else")
    twilio.faults.next(DROP_AFTER_ACCEPTING)
    with pytest.raises(SmsInDoubt):
        send(sms)

    assert find(sms) == [twilio.messages[2].sid]
    assert find(sms, body="Never sent") == []


def test_a_found_message_tells_its_state_whether_sent_yet_or_not(twilio: FakeTwilio, sms: TwilioSms) -> None:
    send(sms)
    [queued] = sms.find(to=TO, body=BODY, since=datetime.now(UTC))
    message = twilio.messages[0]
    message.status, message.error_code, message.sent_at = "undelivered", 30005, datetime.now(UTC)
    [undelivered] = sms.find(to=TO, body=BODY, since=datetime.now(UTC))

    assert (queued.status, queued.error_code) == ("queued", None)
    assert (undelivered.status, undelivered.error_code) == ("undelivered", 30005)
    assert abs(undelivered.created_at - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_message_may_not_be_listed_yet(twilio: FakeTwilio, sms: TwilioSms) -> None:
    twilio.faults.next(unlisted(0.3))
    sid = send(sms)

    assert find(sms) == []
    time.sleep(0.35)
    assert find(sms) == [sid]


def test_an_older_message_with_the_same_text_is_not_taken_for_it(twilio: FakeTwilio, sms: TwilioSms) -> None:
    send(sms)
    twilio.messages[0].created_at -= timedelta(days=2)
    twilio.messages[0].sent_at = twilio.messages[0].created_at
    later = send(sms)

    assert find(sms) == [later]


def test_a_message_is_found_although_our_clock_is_hours_ahead_of_twilios(twilio: FakeTwilio, sms: TwilioSms) -> None:
    """Else it would be sent again. Texts that are known are left out by whoever asks."""
    sid = send(sms)
    assert find(sms, ago=-timedelta(hours=9)) == [sid]


def test_plainer_signs_put_by_a_messaging_service_do_not_hide_a_message(twilio: FakeTwilio, sms: TwilioSms) -> None:
    body = "Zoë’s visit – Friday 4 December at 10:00 am"
    sid = sms.send(to=TO, body=body, attempt_id="a1").sid
    twilio.messages[0].body = "Zoe's visit - Friday 4 December at 10:00 am"
    assert [one.sid for one in sms.find(to=TO, body=body, since=datetime.now(UTC))] == [sid]
    assert sms.find(to=TO, body=body.replace("10:00", "11:00"), since=datetime.now(UTC)) == ()


def test_a_text_of_signs_alone_is_not_taken_for_every_other(twilio: FakeTwilio, sms: TwilioSms) -> None:
    send(sms)
    assert sms.find(to=TO, body="👍", since=datetime.now(UTC)) == ()


@pytest.mark.parametrize("body", [BODY, ""])
def test_an_answer_given_with_a_webhook_is_not_taken_for_an_attempt(
    twilio: FakeTwilio, sms: TwilioSms, body: str
) -> None:
    """HELP is answered with the clinic's number at its end: a text of the desk that says no more was not sent by that."""
    send(sms)
    twilio.messages[0].direction, twilio.messages[0].body = "outbound-reply", body
    assert sms.find(to=TO, body=BODY, since=datetime.now(UTC)) == ()


def test_an_error_code_that_no_column_holds_is_none(twilio: FakeTwilio, sms: TwilioSms) -> None:
    send(sms)
    twilio.messages[0].error_code = 10**20
    [found] = sms.find(to=TO, body=BODY, since=datetime.now(UTC))
    assert found.error_code is None


def test_a_redacted_message_is_found_as_one_that_may_be_another(twilio: FakeTwilio, sms: TwilioSms) -> None:
    sid = send(sms)
    twilio.messages[0].body = ""
    [found] = sms.find(to=TO, body=BODY, since=datetime.now(UTC))
    assert (found.sid, found.redacted) == (sid, True)


def test_two_alike_are_both_found_oldest_first(twilio: FakeTwilio, sms: TwilioSms) -> None:
    first, second = send(sms), send(sms)
    twilio.messages[0].created_at -= timedelta(seconds=20)

    assert find(sms) == [first, second]


def test_a_trial_accounts_preface_does_not_hide_a_message(twilio: FakeTwilio, sms: TwilioSms) -> None:
    sid = send(sms)
    twilio.messages[0].body = f"Sent from your Twilio trial account - {BODY}"

    assert find(sms) == [sid]


@pytest.mark.parametrize(
    "fault", [DROP_BEFORE_ACCEPTING, ERROR_BEFORE_ACCEPTING, NOT_A_MESSAGE, refused(20404), too_many()]
)
def test_when_it_cannot_be_asked_nothing_is_claimed(twilio: FakeTwilio, sms: TwilioSms, fault: Fault) -> None:
    twilio.list_faults.next(fault)
    with pytest.raises(SmsUnavailable):
        find(sms)


def test_nothing_is_written_by_who_took_too_long_to_find_the_server(
    twilio: FakeTwilio, sms: TwilioSms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the process is stopped, or the machine falls asleep, between the two."""
    now = [0.0]
    monkeypatch.setattr(clock, "steady", lambda: now[0])
    connect = urllib3.util.connection.create_connection

    def slowly(*where: Any, **how: Any) -> socket.socket:
        now[0] += twilio_http.WRITE_WITHIN_SECONDS + 0.1
        return connect(*where, **how)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", slowly)
    with pytest.raises(SmsUnavailable):
        send(sms)
    time.sleep(0.1)  # so that the server sees the connection that was given up
    assert twilio.messages == []


def test_who_is_stopped_after_the_look_at_the_claims_age_writes_nothing(
    twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For minutes, between the look and the first step of sending: by then another worker has sent the text."""
    seconds, now = [0.0], datetime(2026, 11, 27, 15, tzinfo=UTC)
    monkeypatch.setattr(clock, "steady", lambda: seconds[0])

    def look_and_be_stopped() -> datetime:
        seconds[0] += 200
        return now

    outgoing = Outgoing(attempt_id="a1", number=TO, body=BODY, claimed_at=now, until=now + timedelta(days=1))
    assert isinstance(call(make_sms(twilio), outgoing, clock=look_and_be_stopped), SmsUnavailable)
    assert twilio.messages == []
    assert isinstance(call(make_sms(twilio), outgoing, clock=lambda: now), SmsAccepted)


def test_a_server_that_takes_the_request_in_too_slowly_never_has_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is looked at before each piece."""
    seconds = itertools.count(0.0, twilio_http.WRITE_WITHIN_SECONDS / 3)
    monkeypatch.setattr(clock, "steady", lambda: next(seconds))
    listener = socket.create_server(("127.0.0.1", 0))
    body = "x" * 20_000_000
    with pytest.raises(SmsUnavailable):
        twilio_http.TwilioHttp(_origin(listener)).request("POST", "/", data={"Body": body})
    connection, _ = listener.accept()
    taken = sum(iter(lambda: len(connection.recv(1_000_000)), 0))
    assert 0 < taken < len(body)
    connection.close()
    listener.close()


@pytest.mark.parametrize("code", [21660, 21661])
def test_what_is_wrong_with_the_sender_is_ours_to_mend(twilio: FakeTwilio, sms: TwilioSms, code: int) -> None:
    twilio.faults.next(refused(code))
    with pytest.raises(SmsUnavailable) as caught:
        send(sms)
    assert (caught.value.error_code, caught.value.ours_to_mend) == (code, True)


@pytest.mark.parametrize("code", [21730, 30017, 30023, 30027, 63017])
def test_what_passes_is_tried_again(twilio: FakeTwilio, sms: TwilioSms, code: int) -> None:
    twilio.faults.next(refused(code))
    with pytest.raises(SmsUnavailable) as caught:
        send(sms)
    assert (caught.value.error_code, caught.value.ours_to_mend) == (code, False)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone")
def test_what_a_cut_network_holds_up_is_not_delivered_later(short_patience: None) -> None:
    """A server that no longer takes anything in: what is left in the system's buffer must not reach it after we gave up."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    with pytest.raises(SmsInDoubt):
        twilio_http.TwilioHttp(_origin(listener)).request("POST", "/", data={"Body": "x" * 200_000})
    time.sleep(1)  # TCP_USER_TIMEOUT and a little
    connection, _ = listener.accept()
    with pytest.raises(ConnectionResetError):
        while connection.recv(65_536):
            pass
    connection.close()
    listener.close()


@pytest.mark.parametrize("origin", ["", "api.twilio.com", "ftp://x", "http://"])
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        twilio_http.TwilioHttp(origin)


def _origin(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_message_is_asked_about_by_its_sid(twilio: FakeTwilio) -> None:
    sms = make_sms(twilio)
    sid = send(sms)
    twilio.messages[0].status = "undelivered"
    twilio.messages[0].error_code = 30006
    found = sms.status_of(sid=sid)
    assert found and (found.sid, found.status, found.error_code) == (sid, "undelivered", 30006)
    assert sms.status_of(sid="SM" + "0" * 32) is None
    with twilio.refusing_connections(), pytest.raises(SmsUnavailable):
        sms.status_of(sid=sid)


def test_prices_are_read_from_the_list_of_a_day_as_far_as_they_are_known(twilio: FakeTwilio) -> None:
    sms = make_sms(twilio)
    sids = [send(sms) for _ in range(4)]
    day = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
    for message, price in zip(twilio.messages, ("-0.00750", None, "-0.0158", "-0.00750"), strict=True):
        message.sent_at, message.price = day, price
    twilio.messages[3].sent_at = day + timedelta(hours=1)
    assert sorted(sms.prices_on(day.date()), key=lambda price: price.millionths) == [
        SmsPrice(sids[0], 7_500, "USD"),
        SmsPrice(sids[2], 15_800, "USD"),
    ]
    with twilio.refusing_connections(), pytest.raises(SmsUnavailable):
        sms.prices_on(day.date())


def test_texts_received_are_read_from_the_list_oldest_first(twilio: FakeTwilio) -> None:
    sms = make_sms(twilio)
    send(sms)
    now = datetime(2026, 11, 27, 15, tzinfo=UTC)
    twilio.messages[0].sent_at = now
    late = twilio.take_in(from_=TO, body="C", at=now, media=1)
    early = twilio.take_in(from_="12345", body="Sale!", at=now - timedelta(hours=1))
    twilio.take_in(from_=TO, body="to another number of the account", to="+16135550101", at=now)
    twilio.take_in(from_=TO, body="before", at=now - timedelta(hours=3))
    twilio.take_in(from_="", body="from nobody", at=now)
    assert read(sms, now - timedelta(hours=2)) == [
        SmsReceived(early.sid, "12345", "Sale!", now - timedelta(hours=1)),
        SmsReceived(late.sid, TO, "C", now, 1),
    ]
    with twilio.refusing_connections(), pytest.raises(SmsUnavailable):
        read(sms, now)
    assert sms.find(to=TO, body="C", since=now - timedelta(hours=2)) == ()


def test_two_of_one_second_come_in_their_order(twilio: FakeTwilio) -> None:
    """Twilio lists the newest first, and names the second alone."""
    now = datetime(2026, 11, 27, 15, tzinfo=UTC)
    sent = [twilio.take_in(from_=TO, body=body, at=now).sid for body in ("STOP", "START")]
    assert [text.sid for text in read(make_sms(twilio), now)] == sent


def test_texts_to_any_number_of_the_messaging_service_are_read(twilio: FakeTwilio) -> None:
    service, now = "MG" + "a" * 32, datetime(2026, 11, 27, 15, tzinfo=UTC)
    first = twilio.take_in(from_=TO, body="C", to="+16135550101", service=service, at=now)
    twilio.take_in(from_=TO, body="C", to="+16135550102", at=now)
    sms = make_sms(twilio, from_number=None, messaging_service_sid=service)
    assert [text.sid for text in read(sms, now)] == [first.sid]


def take_in_many(twilio: FakeTwilio, many: int, begins: datetime) -> list[str]:
    """One a second."""
    return [twilio.take_in(from_=TO, body=str(n), at=begins + timedelta(seconds=n)).sid for n in range(many)]


@pytest.mark.parametrize("many", [0, 1_000, 1_001, 2_000, 6_500])
def test_all_texts_received_are_read_however_many_they_are(twilio: FakeTwilio, many: int) -> None:
    begins = datetime(2026, 11, 27, 15, tzinfo=UTC)
    sids = take_in_many(twilio, many, begins)
    pages = [[text.sid for text in page] for page in make_sms(twilio).received_since(begins)]
    assert [sid for page in pages for sid in page] == sids
    assert max(map(len, pages)) <= 1_000
    walked = -(-many // 1_000) or 1
    assert len(twilio.requests) == walked + max(walked - 2, 0), "all but the newest and the oldest page twice"


def test_what_comes_while_the_pages_are_read_pushes_nothing_out(twilio: FakeTwilio) -> None:
    begins = datetime(2026, 11, 27, 15, tzinfo=UTC)
    sids = take_in_many(twilio, 3_500, begins)
    found = []
    for page in make_sms(twilio).received_since(begins):
        found += [text.sid for text in page]
        take_in_many(twilio, 300, begins + timedelta(hours=2))
    assert found == sids


def test_a_text_deleted_at_twilio_while_the_pages_are_read_hides_none_of_its_neighbours(twilio: FakeTwilio) -> None:
    begins = datetime(2026, 11, 27, 15, tzinfo=UTC)
    sids = take_in_many(twilio, 3_500, begins)
    sms = make_sms(twilio)
    pages = sms.received_since(begins)
    assert [text.sid for text in next(pages)] == sids[:500]
    twilio.received = [message for message in twilio.received if message.sid != sids[1_600]]
    assert [text.sid for text in next(pages)] == sids[500:1_500]
    twilio.received = [message for message in twilio.received if message.sid != sids[1_500]]
    with pytest.raises(SmsUnavailable):
        next(pages)
    assert len(read(sms, begins)) == 3_498


def test_pages_of_what_was_read_before_are_not_asked_for(twilio: FakeTwilio) -> None:
    begins = datetime(2026, 11, 27, 12, tzinfo=UTC)
    sids = take_in_many(twilio, 4_200, begins)
    assert [text.sid for text in read(make_sms(twilio), begins + timedelta(seconds=4_000))] == sids[4_000:]
    assert len(twilio.requests) == 1


def test_what_was_read_before_an_outage_is_given(twilio: FakeTwilio) -> None:
    begins = datetime(2026, 11, 27, 15, tzinfo=UTC)
    sids = take_in_many(twilio, 3_500, begins)
    twilio.list_faults.next(None, None, None, None, None, ERROR_BEFORE_ACCEPTING)
    pages = make_sms(twilio).received_since(begins)
    assert [text.sid for _ in range(2) for text in next(pages)] == sids[:1_500]
    with pytest.raises(SmsUnavailable):
        next(pages)


def read(sms: TwilioSms, since: datetime) -> list[SmsReceived]:
    return [text for page in sms.received_since(since) for text in page]


def test_what_a_text_said_is_blanked_at_twilio_and_only_once_its_fate_is_final(twilio: FakeTwilio) -> None:
    sms = make_sms(twilio)
    sid = send(sms)
    twilio.messages[0].status = "sent"
    with pytest.raises(SmsRefused):
        sms.blank(sid=sid)
    twilio.messages[0].status = "delivered"
    sms.blank(sid=sid)
    assert twilio.messages[0].body == ""
    with pytest.raises(SmsRefused):
        sms.blank(sid="SM" + "0" * 32)
    with twilio.refusing_connections(), pytest.raises(SmsUnavailable):
        sms.blank(sid=sid)
