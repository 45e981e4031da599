"""What the calendar's scripts say: handed to them as data, so that all words stand in one catalogue."""

from flask_babel import gettext as _


def calendar_words() -> dict[str, str]:
    return {
        "nothing_selected": _("Choose a visit first: move to it with the arrow keys, or press it."),
        "moved": _("Moved."),
        "undo": _("Undo"),
        "close": _("Close"),
        "no_answer": _("The server did not answer. Nothing was changed; try again in a moment."),
        "behind": _("No connection: what you see may be old."),
        "signed_out": _("You are signed out. What you typed stays here: sign in in another tab, then go on."),
        "sign_in": _("Sign in"),
        "nearest": _("Nearest free times:"),
        "put_back": _("The visit is where it was."),
    }
