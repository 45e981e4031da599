"""What somebody typed or chose in a form that was sent: without what the page itself put into it."""

from collections.abc import Iterable

NEVER_KEPT = ("csrf_token", "password", "password_again", "code", "pin")
ON_WHAT = ("shown", "seen", "version")
"""Says on what the form acted, as it stood when it was typed."""
OF_THE_PAGE = ("patient", "other", "visit", "who", "from", "up_to", "next", "corrects", "status", "mode")
TICKED = ("", "yes", "no", "y", "on")


def typed_values(fields: Iterable[list[str]]) -> list[str]:
    """For whoever has to type it once more: values alone, a choice by the short word that stands for it."""
    return [
        value
        for name, value in fields
        if name not in (*NEVER_KEPT, *ON_WHAT, *OF_THE_PAGE) and value.strip() not in TICKED
    ]
