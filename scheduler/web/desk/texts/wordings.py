"""What our texts say, reworded by the owner: a list of all, and a page for each."""

import unicodedata
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.domain.errors import ChangedMeanwhile
from scheduler.domain.texts.sms_segments import BASIC, EXTENDED, TYPOGRAPHY, dear_letters, segments, spelled_in_gsm7
from scheduler.domain.texts.wording import WORDINGS, BadWording, is_reworded, our_words, words
from scheduler.extensions import clinic_settings, db
from scheduler.serving import live_settings
from scheduler.usecases.texts import wordings
from scheduler.usecases.texts.samples import Sample, sample_text, samples
from scheduler.usecases.texts.wordings import text_mark
from scheduler.web import access
from scheduler.web.desk import query_fields
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.desk.texts.wording_words import ABOUT, GROUPS, PLACES
from scheduler.web.forms.fields import FormError
from scheduler.web.page_context import NAMES

blueprint = Blueprint("desk_settings_texts", __name__, url_prefix="/desk/settings/texts")
access.declare(blueprint, "staff", roles=("owner",), guard=require_staff)


@dataclass(frozen=True, slots=True)
class Shown:
    """One text as it would go out, and what it costs."""

    name: str
    body: str
    parts: int
    dear: str


@blueprint.get("")
def show() -> str:
    clinic = clinic_settings()
    lines = {
        (kind, language): (
            _shown(words(clinic, kind, language), samples(kind, language, clinic)[0]),
            is_reworded(clinic, kind, language),
        )
        for kind in WORDINGS
        for language in wordings.LANGUAGES
    }
    return render_template(
        "desk/texts/wordings.html", tab="texts", groups=GROUPS, about=ABOUT, lines=lines, names=NAMES
    )


@blueprint.get("/<kind>/<language>")
def one(kind: str, language: str) -> str:
    wordings.require_known(kind, language)
    now = words(clinic_settings(), kind, language)
    return _page(kind, language, typed=now, seen=text_mark(now))


@blueprint.post("/<kind>/<language>")
def change(kind: str, language: str) -> ResponseReturnValue:
    """Its "preview" button shows what was typed and keeps nothing."""
    wordings.require_known(kind, language)
    typed, seen = (
        request.form.get("body", "")[: query_fields.SHOWN_AGAIN].replace("\0", ""),
        request.form.get("seen", ""),
    )
    typed = unicodedata.normalize("NFC", typed)  # as it is kept, and costs
    if "preview" in request.form:
        return _page(kind, language, typed=typed, seen=seen)
    try:
        wordings.reword(
            db.session(),
            kind=kind,
            language=language,
            typed=typed,
            seen=seen,
            actor=current_user.actor,
            now=clock.now(),
        )
    except BadWording as bad:
        return _page(kind, language, typed=typed, seen=seen, problem=_(bad.sentence, about=bad.about)), 422
    except ChangedMeanwhile as refused:
        return _changed_meanwhile(kind, language, typed, refused)
    return _done(kind, language, _("Saved."))


@blueprint.post("/<kind>/<language>/ours")
def back_to_ours(kind: str, language: str) -> ResponseReturnValue:
    try:
        wordings.go_back_to_ours(
            db.session(),
            kind=kind,
            language=language,
            seen=request.form.get("seen", ""),
            actor=current_user.actor,
            now=clock.now(),
        )
    except ChangedMeanwhile as refused:
        return _changed_meanwhile(kind, language, our_words(kind, language), refused)
    return _done(kind, language, _("Our text goes out again."))


def _done(kind: str, language: str, said: str) -> ResponseReturnValue:
    live_settings.of(current_app).read(db.engine)
    flash(said)
    return redirect(url_for(".one", kind=kind, language=language), 303)


def _changed_meanwhile(kind: str, language: str, typed: str, refused: ChangedMeanwhile) -> ResponseReturnValue:
    live_settings.of(current_app).read(db.engine)
    now = refused.now["text"]
    line = _("%(field)s: now %(value)s", field=_("Text"), value=now)
    return _page(kind, language, typed=typed, seen=text_mark(now), changed=[line]), 409


def _page(
    kind: str, language: str, *, typed: str, seen: str, problem: str = "", changed: list[str] | None = None
) -> str:
    clinic = clinic_settings()
    found, wording = samples(kind, language, clinic), WORDINGS[kind]
    return render_template(
        "desk/texts/wording.html",
        tab="texts",
        kind=kind,
        language_of_text=language,
        name=NAMES[language],
        about=ABOUT[kind],
        typed=typed,
        seen=seen,
        longest=wording.longest,
        places=[(name, words_of, name in wording.required) for name, words_of in _places(kind)],
        previews=[_shown(typed.strip().replace("\r\n", "\n"), sample) for sample in found],
        samples=[_for_script(sample) for sample in found],
        alphabet={"basic": "".join(sorted(BASIC)), "extended": "".join(sorted(EXTENDED)), "typography": TYPOGRAPHY},
        ours=our_words(kind, language) if is_reworded(clinic, kind, language) else "",
        problem=problem,
        errors=[FormError("body", problem)] if problem else [],
        changed=changed or [],
    )


def _places(kind: str) -> list[tuple[str, Any]]:
    return [(name, PLACES[name]) for name in PLACES if name in WORDINGS[kind].places]


def _shown(template: str, sample: Sample) -> Shown:
    body = sample_text(template, sample)
    return Shown(sample.name, body, segments(body), " ".join(dear_letters(body)))


def _for_script(sample: Sample) -> dict[str, object]:
    ways = [
        {
            "values": dict(way),
            "spelled": {name: spelled_in_gsm7(value) or value for name, value in way.items()},
        }
        for way in sample.ways
    ]
    return {"name": sample.name, "ways": ways, "tail": sample.tail}
