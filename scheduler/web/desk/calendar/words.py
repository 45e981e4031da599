"""What the calendar's scripts say: handed to them as data, so that all words stand in one catalogue."""

from datetime import time

from flask_babel import gettext as _

from scheduler.web.words.dates import time_words, weekday_words


def calendar_words() -> dict[str, str | list[str]]:
    return {
        "hours": [time_words(time(hour)) for hour in range(24)],
        "weekdays": weekday_words(),
        "nothing_selected": _("Choose a visit first: move to it with the arrow keys, or press it."),
        "not_now": _("That is not possible for this visit now."),
        "undo": _("Undo"),
        "close": _("Close"),
        "no_answer": _("The server did not answer. Nothing was changed; try again in a moment."),
        "behind": _("No connection: what you see may be old."),
        "signed_out": _("You are signed out. What you typed stays here: sign in in another tab, then go on."),
        "sign_in": _("Sign in"),
        "nearest": _("Nearest free times:"),
        "put_back": _("The visit is where it was."),
    }
