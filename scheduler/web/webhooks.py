"""What Twilio tells us: what became of a text, and what patients text back. Nobody else is listened to."""

import re
from urllib.parse import quote
from xml.sax.saxutils import escape

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, Forbidden

from scheduler import clock
from scheduler.extensions import clinic_settings, db
from scheduler.gateways.twilio_sms import TwilioSignature
from scheduler.usecases.texts.replies.inbound import SENDER, IncomingText, receive
from scheduler.usecases.texts.sending.receipts import record_receipt
from scheduler.web import access
from scheduler.web.requests.front_door import CALLED_AT

ATTEMPT = re.compile(r"[A-Za-z0-9_-]{1,32}")
STATE = re.compile(r"[A-Za-z_-]{1,20}")
SID = re.compile(r"[A-Za-z0-9]{1,64}")
MEDIA = re.compile(r"\d{1,2}", re.ASCII)

blueprint = Blueprint("twilio", __name__, url_prefix="/twilio")


def require_signature() -> None:
    """Signed over the public address: behind a proxy the one we see is another."""
    settings = current_app.config["SMS"]
    if not settings:
        raise Forbidden
    query = request.query_string.decode("latin-1")
    url = (
        current_app.config["PUBLIC_URL"]
        + quote(request.environ.get(CALLED_AT, request.path))
        + (f"?{query}" if query else "")
    )
    signature = TwilioSignature(settings["auth_token"])
    if not signature.valid(url, request.form, request.headers.get("X-Twilio-Signature")):
        raise Forbidden


access.declare(blueprint, "twilio", guard=require_signature)


@blueprint.post("/status", defaults={"attempt": None})
@blueprint.post("/status/<attempt>")
def status(attempt: str | None) -> ResponseReturnValue:
    """Receipts may repeat, come in any order, and before we know of their text. Without an attempt: the one address
    that a Messaging Service calls for all its texts."""
    sid, word = _field("MessageSid", SID), _field("MessageStatus", STATE)
    code = request.form.get("ErrorCode", "")
    if attempt is not None and not ATTEMPT.fullmatch(attempt):
        raise BadRequest
    record_receipt(
        db.engine,
        attempt_id=attempt,
        sid=sid,
        word=word,
        error_code=int(code) if code.isascii() and code.isdigit() and len(code) < 10 else None,
        now=clock.now(),
    )
    return Response(status=204)


@blueprint.post("/inbound")
def inbound() -> ResponseReturnValue:
    """Answers with TwiML: an empty Response sends nothing."""
    media = request.form.get("NumMedia", "")
    text = IncomingText(
        sid=_field("MessageSid", SID),
        number=_field("From", SENDER),
        body=request.form.get("Body", ""),
        opt_out_type=request.form.get("OptOutType"),
        attachments=int(media) if MEDIA.fullmatch(media) else 0,
    )
    answer = receive(db.session(), text, clinic=clinic_settings(), now=clock.now())
    message = f"<Message>{escape(answer)}</Message>" if answer else ""
    return Response(f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>', mimetype="text/xml")


def _field(name: str, shape: re.Pattern[str]) -> str:
    value = request.form.get(name, "")
    if not shape.fullmatch(value):
        raise BadRequest
    return value
