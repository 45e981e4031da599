"""A page with one of its forms filled in once more, on the server: it needs no script.

Only what somebody can type or choose is put back, and on what it acted: what a colleague has changed meanwhile is then
shown when the form is sent, as always. Other hidden fields, passwords and files stay as the page has them.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import escape

from scheduler.web.desk.acting_on.typed import ON_WHAT
from scheduler.web.desk.sign_in.page_forms import PageForm, PageForms, Tag

TICKS = ("checkbox", "radio")
NOT_TYPED = ("hidden", "password", "file", "submit", "button", "reset", "image")

Edit = tuple[int, int, str]
"""From where to where, and what is to stand there."""


@dataclass
class FilledIn:
    """`before_main`, `main`: the page in two halves; `left`: what has no field there any more. Nothing was typed in a form
    that has a button alone: then `is_filled` is false, and nothing is left."""

    before_main: str
    main: str
    is_filled: bool
    left: list[list[str]]


def fill_in(page: str, address: str, path: str, fields: Iterable[list[str]]) -> FilledIn | None:
    """`address`: the page's own; `path`: where its form goes. None for a page without a part of its own."""
    found, typed = PageForms(page, address), _Typed(fields)
    if found.main is None:
        return None
    forms = [form for form in found.forms if form.goes_to(path)]
    form = next((form for form in forms if typed.is_any_in(form)), None)
    edits = sorted(typed.into(form)) if form else []
    if not form and forms:
        typed.drop({tag.field for form in forms for tag in form.tags})
    main = _edited(page, found.main, edits)
    return FilledIn(page[: found.main], main, form is not None, typed.left())


def _edited(page: str, begin: int, edits: list[Edit]) -> str:
    parts, at = [], begin
    for start, end, words in edits:
        parts += [page[at:start], words]
        at = end
    return "".join([*parts, page[at:]])


class _Typed:
    def __init__(self, fields: Iterable[list[str]]) -> None:
        self._values: dict[str, list[str]] = defaultdict(list)
        for name, value in fields:
            self._values[name].append(value)

    def left(self) -> list[list[str]]:
        return [[name, value] for name, values in self._values.items() if name not in ON_WHAT for value in values]

    def drop(self, names: set[str]) -> None:
        for name in names:
            self._values.pop(name, None)

    def is_any_in(self, form: PageForm) -> bool:
        return any(tag.field in self._values and _is_typed(tag) for tag in form.tags)

    def into(self, form: PageForm) -> list[Edit]:
        """Takes each value for the next field of its name, as a browser had sent them."""
        edits: list[Edit] = []
        ticks: list[Tag] = []
        for tag, options in _with_options(form.tags):
            if tag.name == "details":
                edits.append((tag.begin, tag.end, tag.with_attribute("open", "")))
            elif tag.attributes.get("type") in TICKS:
                ticks.append(tag)
            elif tag.name == "select":
                edits += self._choose(tag, options)
            elif (_is_typed(tag) or tag.field in ON_WHAT) and self._values.get(tag.field):
                edits.append(_written(tag, self._values[tag.field].pop(0)))
        edits += self._tick(ticks)
        self.drop({tag.field for tag in form.tags if tag.field and not _is_typed(tag)})
        return edits

    def _choose(self, select: Tag, options: list[Tag]) -> list[Edit]:
        """A choice that is no longer offered is left, and the page's own stays."""
        sent = self._values.get(select.field)
        if not sent or sent[0] not in [option.value for option in options]:
            return []
        value = sent.pop(0)
        return [_switched(option, "selected", is_on=option.value == value) for option in options]

    def _tick(self, ticks: list[Tag]) -> list[Edit]:
        """What was not sent was not ticked."""
        edits = []
        for tag in ticks:
            sent = self._values.get(tag.field, [])
            is_on = (tag.attributes.get("value") or "on") in sent
            if is_on:
                sent.remove(tag.attributes.get("value") or "on")
            edits.append(_switched(tag, "checked", is_on=is_on))
        return edits


def _with_options(tags: list[Tag]) -> list[tuple[Tag, list[Tag]]]:
    """Each field, a select with its options."""
    fields: list[tuple[Tag, list[Tag]]] = []
    for tag in tags:
        if tag.name == "option":
            fields[-1][1].append(tag)
        else:
            fields.append((tag, []))
    return fields


def _is_typed(tag: Tag) -> bool:
    return tag.name in ("select", "textarea") or (tag.name == "input" and tag.attributes.get("type") not in NOT_TYPED)


def _written(tag: Tag, value: str) -> Edit:
    if tag.name == "textarea":  # the first line break after the tag is none of its text
        return tag.end, tag.closes, f"\n{escape(value)}"
    return tag.begin, tag.end, tag.with_attribute("value", value)


def _switched(tag: Tag, attribute: str, *, is_on: bool) -> Edit:
    return tag.begin, tag.end, tag.with_attribute(attribute, "" if is_on else None)
