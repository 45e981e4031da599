"""Random bytes and mutated forms for Twilio's webhooks: straight into the WSGI application, a thousand and more a second."""

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlencode

from flask import Flask
from sqlalchemy import Engine, text
from twilio.request_validator import RequestValidator
from werkzeug.wrappers import Request

from tests.support.fake_twilio import AUTH_TOKEN

PUBLIC = "https://book.example.ca"
NUMBER = "+16135550142"
FORM_TYPE = "application/x-www-form-urlencoded"
TYPES = (
    FORM_TYPE,
    "application/x-www-form-urlencoded; charset=utf-16",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "application/json",
    "text/plain; charset=\x01",
    "",
)
WORDS = "C|M|OUI C|2|M 2|STOP|START|HELP|ARRÊT|AIDE|CANCEL|YES|wrong number|déplacer|ok|\0|\ud7ff|😀|٣|²|’|".split("|")
STATES = "queued|sending|sent|delivered|undelivered|failed|read|canceled|SENT|\0|received|".split("|")
CODES = "|0|30003|30005|21610|99999999999999999999|-1|٣|1e9|\0".split("|")
TABLES = ("message", "reminder", "phone_account", "early_receipt", "appointment", "appointment_history", "visit_link")


class Fuzz:
    """`attempts`: ids that stand in real status-callback addresses."""

    def __init__(self, app: Flask, attempts: list[str], seed: int) -> None:
        self._app, self._attempts, self._chance = app, attempts, random.Random(seed)
        self._ours, self._other = RequestValidator(AUTH_TOKEN), RequestValidator("another token")

    def unsigned(self, count: int) -> Counter[int]:
        """None of them with a valid signature; how many of each status were answered."""
        return self._send(count, well_signed=False)

    def signed(self, count: int) -> Counter[int]:
        """All of them with a valid one, whatever they say."""
        return self._send(count, well_signed=True)

    def _send(self, count: int, *, well_signed: bool) -> Counter[int]:
        answers: Counter[int] = Counter()
        with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):  # pytest would keep a line for each
            for _ in range(count):
                answers[self._call(self._request(well_signed=well_signed))] += 1
        return answers

    def _call(self, environ: dict[str, Any]) -> int:
        given: list[str] = []

        def start_response(status: str, _headers: object, _error: object = None) -> Any:
            given.append(status)

        body = self._app.wsgi_app(environ, start_response)
        b"".join(body)
        if hasattr(body, "close"):
            body.close()
        return int(given[0][:3])

    def _request(self, *, well_signed: bool) -> dict[str, Any]:
        chance = self._chance
        path, body = self._form()
        kind = FORM_TYPE
        if chance.random() < 0.5:
            body = self._mutated(body)
        if chance.random() < 0.15:
            body, kind = chance.randbytes(chance.randrange(400)), chance.choice(TYPES)
        if chance.random() < 0.1:
            kind = chance.choice(TYPES)
        if chance.random() < 0.05:
            path = self._mutated_path(path)
        query = chance.choice(("", "", "", "a=b", "%00=%ff&bodySHA256=x"))
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST"
            if chance.random() < 0.98
            else chance.choice(("GET", "PUT", "HEAD", "OPTIONS", "DELETE", "X")),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.7",
            "HTTP_HOST": "localhost",
            "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": BytesIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        signed = self._signature(environ, body, well_signed=well_signed)
        if signed is not None:
            environ["HTTP_X_TWILIO_SIGNATURE"] = signed
        return environ

    def _signature(self, environ: dict[str, Any], body: bytes, *, well_signed: bool) -> str | None:
        if not well_signed and self._chance.random() < 0.6:
            return self._chance.choice((None, "", "x", "\xff\xfe=", self._chance.randbytes(20).decode("latin-1")))
        seen = Request({**environ, "wsgi.input": BytesIO(body)})
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        url = f"{PUBLIC}{quote(path)}" + (f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else "")
        signed: str = (self._ours if well_signed else self._other).compute_signature(url, seen.form)
        return signed

    def _form(self) -> tuple[str, bytes]:
        chance = self._chance
        sid = f"SM{chance.randrange(5000):032x}"
        if chance.random() < 0.5:
            form = {"MessageSid": sid, "MessageStatus": chance.choice(STATES), "ErrorCode": chance.choice(CODES)}
            path = f"/twilio/status/{chance.choice(self._attempts)}" if chance.random() < 0.8 else "/twilio/status"
        else:
            sender = (
                NUMBER
                if chance.random() < 0.5
                else chance.choice(("+16135550199", "CLINIC", "12345", "", "\0", "+1" * 99))
            )
            form = {"MessageSid": sid, "From": sender, "Body": chance.choice(WORDS) * chance.choice((1, 1, 1, 2, 900))}
            path = "/twilio/inbound"
            if chance.random() < 0.1:
                form["OptOutType"] = chance.choice(("STOP", "START", "HELP", "\0", "x" * 500))
        pairs = [(name, value) for name, value in form.items() if chance.random() < 0.95]
        if chance.random() < 0.1:
            pairs += chance.sample(pairs, len(pairs))
        return path, urlencode(pairs).encode()

    def _mutated(self, body: bytes) -> bytes:
        chance, mutated = self._chance, bytearray(body)
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(mutated) + 1)
            match chance.randrange(5):
                case 0:
                    mutated[at:at] = chance.randbytes(chance.randrange(1, 6))
                case 1:
                    del mutated[at : at + chance.randrange(1, 20)]
                case 2:
                    mutated[at:at] = quote_from_bytes(chance.randbytes(2)).encode()
                case 3:
                    mutated[at:at] = chance.choice(
                        (b"&", b"=", b"%", b"%u0000", b"%00", b"%ff", b"%f0%9f", b"%ed%a0%80")
                    )
                case 4 if mutated:
                    mutated[min(at, len(mutated) - 1)] ^= 1 << chance.randrange(8)
        return bytes(mutated)

    def _mutated_path(self, path: str) -> str:
        """As WSGI has it: bytes, one a letter."""
        chance = self._chance
        return path + chance.choice(("/", "//x", "\xff", "\xf0\x9f", "/../inbound", "x" * 40, "\0", " ", "%00", "é"))


def state(engine: Engine) -> Iterator[tuple[str, list[Any]]]:
    """All that a text or a receipt can change."""
    with engine.connect() as connection:
        for table in TABLES:
            yield table, [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY 1"))]
