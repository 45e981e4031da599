"""Which language a page is in: asked for in the address, chosen before, or what the browser prefers."""

from flask import request, session
from flask_babel import get_locale

from scheduler.extensions import clinic_settings

LANGUAGES = ("en", "fr")


def select_language() -> str:
    """`?lang=`, which the browser's session then remembers; else the session (signing in puts the patient's own
    language there); else Accept-Language. Addresses for programs look at the header alone."""
    if request.path.startswith("/api/"):
        return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
    offered = offered_languages()
    asked = request.args.get("lang", "")
    if asked in offered:
        if session.get("lang") != asked:
            session["lang"] = asked
        return asked
    kept = session.get("lang")
    return kept if kept in offered else request.accept_languages.best_match(offered) or offered[0]


def offered_languages() -> tuple[str, ...]:
    """Those the clinic speaks, the first one to whoever asks for none of them."""
    found: tuple[str, ...] = clinic_settings().languages
    return found


def template_variables() -> dict[str, str]:
    locale = get_locale()
    return {"language": locale.language if locale else LANGUAGES[0]}
