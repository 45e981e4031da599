"""What people agree to when they agree to texts, and how a line about it reads."""

from collections.abc import Callable
from datetime import datetime

from flask_babel import gettext as _

from scheduler.queries.texts.agreements import Agreement
from scheduler.usecases.texts.agreements import Said
from scheduler.web.requests.language import template_variables
from scheduler.web.words.dates import day_with_year_words, time_words


def code_words() -> str:
    """Above the button that takes a code."""
    return str(
        _(
            "With the code you agree to reminders and replies by text to this number, unless you have told us no. "
            "Answer STOP to end them."
        )
    )


def desk_words() -> str:
    """To be read out."""
    return str(
        _(
            "We would like to send reminders and replies by text to your number. "
            "You can end that at any time by answering STOP. Do you agree?"
        )
    )


def page_words() -> str:
    """Beside the patient's own button."""
    return str(_("I agree to reminders and replies by text to this number. Answering STOP ends them."))


def by_code(how: str) -> Said:
    return Said(True, how, code_words(), _language())


def at_desk(*, agrees: bool) -> Said:
    return Said(agrees, "desk", desk_words(), _language())


def on_page(*, agrees: bool) -> Said:
    return Said(agrees, "page", page_words() if agrees else "", _language())


def agreement_words(said: Agreement | None, local: Callable[[datetime], datetime], by: Callable[[str], str]) -> str:
    """Yes or no, since when, how, by whom entered."""
    if said is None:
        return str(_("nothing is recorded"))
    moment = local(said.said_at)
    when = f"{day_with_year_words(moment)}, {time_words(moment)}"
    how = HOW[said.how]()
    if said.how in ("desk", "api"):
        how = str(_("%(how)s, entered by %(who)s", how=how, who=by(said.said_by)))
    values = {"how": how, "when": when}
    if said.how == "before":
        values = {"how": how, "when": day_with_year_words(moment)}
    return str(_("yes, %(how)s, %(when)s", **values) if said.agrees else _("no, %(how)s, %(when)s", **values))


HOW: dict[str, Callable[[], str]] = {
    "booking": lambda: _("with a code, while booking"),
    "sign_in": lambda: _("with a code, at sign-in"),
    "new_number": lambda: _("with a code, for a new number"),
    "page": lambda: _("on the patient’s own page"),
    "desk": lambda: _("at the desk"),
    "api": lambda: _("by another program"),
    "text": lambda: _("by text"),
    "provider": lambda: _("as the telephone company says"),
    "import": lambda: _("from the former system"),
    "before": lambda: _("from before this was recorded"),
}


def _language() -> str:
    return str(template_variables()["language"])
