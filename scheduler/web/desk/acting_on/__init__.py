"""Every form of the desk says on what it acts: it carries what its page showed, and is refused once that has changed.

`shown` puts the facts into a form, and a view's `acts_on` reads them anew when it is sent; changed.py refuses. Forms
about a visit carry its `version` instead, and those of the settings a `seen` mark, which their use cases compare.
tests/web/house/test_forms_say_on_what.py walks all of them.
"""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app
from markupsafe import Markup

from scheduler.web.desk.acting_on.shown_facts import Facts

SHOWN = "shown"
LONGEST = 50_000  # characters

Reader = Callable[..., Facts | None]
"""With the values of the address: what is so now, {} where it is gone, None where there is nothing to compare."""
View = TypeVar("View", bound=Callable[..., Any])


def acts_on(read: Reader) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.acts_on = read  # type: ignore[attr-defined]  # a function keeps what it is given
        return view

    return mark


def reader_of(endpoint: str) -> Reader | None:
    return getattr(current_app.view_functions[endpoint], "acts_on", None)


def shown(facts: Facts) -> Markup:
    """The hidden field of a form that acts on this."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(SHOWN, packed(facts))


def packed(facts: Facts) -> str:
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


def unpacked(sent: str) -> Facts:
    try:
        facts = json.loads(sent[:LONGEST])
    except (ValueError, RecursionError):
        return {}
    return {str(label): str(value) for label, value in facts.items()} if isinstance(facts, dict) else {}
