"""What every page can say: the same page in other languages, and dates in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request
from flask_babel import gettext as _
from flask_babel import ngettext

from scheduler.domain.texts.reply import ATTACHED, NO_WORDS
from scheduler.web.requests.language import offered_languages, template_variables
from scheduler.web.words import dates

NAMES = {"en": "English", "fr": "Français"}


@dataclass(frozen=True, slots=True)
class LanguageLink:
    language: str
    name: str
    href: str


def install(blueprint: Blueprint) -> None:
    """For the pages of every blueprint, not of this one alone."""
    blueprint.app_context_processor(page_context)
    for name, words in (
        ("day", dates.day_words),
        ("time", dates.time_words),
        ("day_and_time", dates.day_and_time_words),
        ("from_moment", dates.from_words),
        ("day_with_year", dates.day_with_year_words),
        ("weekday", dates.weekday_name),
        ("month", dates.month_words),
        ("just_before", just_before),
        ("combined", combined),
        ("as_texted", as_texted),
    ):
        blueprint.add_app_template_filter(words, name)


def page_context() -> dict[str, Any]:
    return {"language_links": other_languages(template_variables()["language"])}


def other_languages(language: str) -> list[LanguageLink]:
    """The page being read, in the other languages."""
    return [
        LanguageLink(other, NAMES[other], f"?{urlencode(_with_lang(other))}")
        for other in offered_languages()
        if other != language
    ]


def _with_lang(language: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in request.args.items(multi=True) if name != "lang"] + [("lang", language)]


def just_before(moment: datetime) -> datetime:
    """The day that a stretch ends on: midnight belongs to the day before."""
    return moment - timedelta(minutes=1)


def as_texted(body: str) -> str:
    """With words where a picture was, or nothing."""
    if body == NO_WORDS:
        return str(_("[no words]"))
    pictures = body.count(ATTACHED)
    if not pictures:
        return body
    words = ngettext("[a picture or file, not kept here]", "[%(num)d pictures or files, not kept here]", pictures)
    return f"{body.replace(ATTACHED, '')} {words}".strip()


def combined(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Attributes of an element: those given go over the usual ones."""
    return {**first, **second}
