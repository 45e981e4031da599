"""What texts say: filled in, made cheaper where only names stand in the way, and checked before the owner's words are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.sms_segments import BASIC, is_gsm7, segments
from scheduler.domain.texts.wording import (
    WORDINGS,
    BadWording,
    checked,
    filled,
    invited_word,
    is_reworded,
    still_good,
    words,
)

FILLER = "a" * 80  # too long for one part of 70 letters, short enough for one of 160
EVERY_TEXT = [(kind, text) for kind, wording in WORDINGS.items() for text in (wording.en, wording.fr)]


@pytest.mark.parametrize(
    ("template", "name", "text"),
    [
        ("{practitioner} " + FILLER, "Benoît", "Benoit " + FILLER),
        ("{practitioner} " + FILLER, "Šárka", "Sarka " + FILLER),
        ("{practitioner} " + FILLER, "Łukasz", "Lukasz " + FILLER),
        ("{practitioner} " + FILLER, "Zoé", "Zoé " + FILLER),  # GSM-7 has é
        ("{practitioner} " + FILLER, "D’Arcy", "D'Arcy " + FILLER),
        ("{practitioner}", "Benoît", "Benoît"),  # one part either way
        ("{practitioner} " + FILLER, "Анна", "Анна " + FILLER),  # another script
        ("{practitioner} ê " + FILLER, "Benoît", "Benoît ê " + FILLER),  # the owner's own ê costs it anyway
        ("{practitioner} l’été " + FILLER, "Benoît", "Benoit l'été " + FILLER),  # marks give way, letters do not
        ("À {practitioner}\u00a0: " + FILLER, "Zoé", "À Zoé\u00a0: " + FILLER),
        ("{practitioner} {day}", "Zoé", "Zoé {day}"),
    ],
)
def test_names_lose_accents_only_where_that_makes_fewer_parts(template: str, name: str, text: str) -> None:
    assert filled(template, {"practitioner": name}) == text


LATIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x24F, exclude_categories=["Cc"]), max_size=40)


@given(st.text(st.sampled_from(sorted(BASIC - {"{", "}"})), max_size=300), LATIN)
def test_filling_in_never_costs_more_than_the_name_as_it_is(words_around: str, name: str) -> None:
    text = filled(words_around + "{practitioner}", {"practitioner": name})
    plain = words_around + name
    assert segments(text) <= segments(plain)
    assert text == plain or (is_gsm7(text) and segments(text) < segments(plain))
    if is_gsm7(plain):
        assert text == plain


@given(st.text(max_size=300), st.text(max_size=40))
def test_what_is_filled_in_is_never_filled_in_again(template: str, name: str) -> None:
    assert filled("{practitioner}", {"practitioner": "{clinic}", "clinic": "x"}) == "{clinic}"
    assert isinstance(filled(template, {"practitioner": name}), str)


@pytest.mark.parametrize(("kind", "text"), EVERY_TEXT)
def test_our_own_words_pass_and_are_cheap(kind: str, text: str) -> None:
    assert checked(kind, text) == text
    assert is_gsm7(text.replace("{", "").replace("}", ""))


@pytest.mark.parametrize(
    ("text", "sentence", "about"),
    [
        ("", "Write something first.", ""),
        (" \r\n\t ", "Write something first.", ""),
        ("{clinic} {day} {time}" + "a" * 480, "This is too long: %(about)s letters at most.", "480"),
        ("{clinic} {day}", "%(about)s is missing: the text must have it.", "{time}"),
        ("{clinic} {day} {time} {treatment}", "This text has nothing to put in the place of %(about)s.", "{treatment}"),
        ("{clinic} {day} {time} {code}", "This text has nothing to put in the place of %(about)s.", "{code}"),
        ("{clinic.name} {day} {time}", "Braces are for the places that are filled in, like {clinic}.", ""),
        ("{clinic!r:>99} {day} {time}", "Braces are for the places that are filled in, like {clinic}.", ""),
        ("{clinic} {day} {time} {", "Braces are for the places that are filled in, like {clinic}.", ""),
        ("{clinic} {{day}} {time}", "Braces are for the places that are filled in, like {clinic}.", ""),
        ("{clinic} {day} {time}\u202e", "There is a sign in it that cannot be seen. Type the text anew.", ""),
    ],
)
def test_words_that_will_not_do_are_refused_with_the_reason(text: str, sentence: str, about: str) -> None:
    with pytest.raises(BadWording) as refused:
        checked("confirmation", text)
    assert (refused.value.sentence, refused.value.about) == (sentence, about)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Reply STOP to opt out", "STOP"),
        ("Reply C to confirm, M to change, or cancel", "cancel"),
        ("Répondez ARRÊT", "ARRÊT"),
        ("Envoyez aide pour en savoir plus", "aide"),
        ("Text us: yes or no", "yes"),
        ("HELP", "HELP"),
        ("Need help? Call {phone}", None),
        ("Reply C to confirm. For help call {phone}", None),
        ("For info see {link}. At the end of the hall. Reply M to change.", None),
        ("Your visit is cancelled", None),
        ("Venez à la fin, sans aide.", None),
        ("The start is at {time}; reply C", None),
    ],
)
def test_no_text_asks_for_a_word_that_twilio_takes_for_itself(text: str, word: str | None) -> None:
    assert invited_word(text) == word


def test_lines_keep_their_breaks_and_lose_stray_spaces() -> None:
    assert checked("confirmation", "  {clinic}: {day} \r\n{time}\r\n") == "{clinic}: {day}\n{time}"


def test_accents_set_apart_are_joined_so_that_they_cost_nothing() -> None:
    """As some computers write them: one letter outside GSM-7 would more than halve the room."""
    assert checked("confirmation", "{clinic} {day} a\u0300 {time}") == "{clinic} {day} à {time}"
    with pytest.raises(BadWording):
        checked("confirmation", "{clinic} {day} {time} ARRE\u0302T")


def test_the_owners_words_go_over_ours_in_their_language_alone() -> None:
    clinic = ClinicSettings(texts={("help", "fr"): "{clinic} {phone}"})
    assert (words(clinic, "help", "fr"), words(clinic, "help", "en")) == ("{clinic} {phone}", WORDINGS["help"].en)
    assert is_reworded(clinic, "help", "fr") and not is_reworded(clinic, "help", "en")


def test_kept_words_that_would_not_pass_any_more_are_passed_over() -> None:
    kept = {("help", "en"): "{clinic} {phone}", ("help", "fr"): "{clinic}", ("greeting", "en"): "{clinic}"}
    assert still_good(kept) == {("help", "en"): "{clinic} {phone}"}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("help", "{clinic} {phone}" + " {link}" * 50),
        ("help", "{clinic} {phone} {link} {link} {link}"),
        ("which", "{clinic} {choices} {choices}"),
        ("choice", "{letter} {number} {day} {time} {practitioner} {practitioner}"),
    ],
)
def test_a_place_that_is_repeated_would_make_a_text_longer_than_any_may_be(kind: str, text: str) -> None:
    with pytest.raises(BadWording, match="too often"):
        checked(kind, text)


def test_a_place_may_stand_in_a_text_twice() -> None:
    assert checked("help", "{clinic}: {phone}. {phone}!") == "{clinic}: {phone}. {phone}!"


LONGEST_VALUES = {
    "clinic": "c" * 80,
    "practitioner": "p" * 80,
    "day": "mercredi 23 septembre",
    "time": "12:45 pm",
    "link": "https://" + "l" * 100 + "/m/k3Qv9tXw2LrB7sYc5PnD1g",
    "phone": "1-613-555-0142",
    "lasts": "48 h",
    "code": "012345",
    "minutes": "10",
    "letter": "C",
    "number": "5",
}


def longest_text(kind: str, **values: str) -> str:
    """As long as `checked` lets it be, with every place as often as it may stand there, filled in."""
    wording = WORDINGS[kind]
    places = "".join(f"{{{name}}}" * wording.each_at_most for name in sorted(wording.places))
    template = places + "a" * (wording.longest - len(places))
    assert checked(kind, template) == template
    return filled(template, LONGEST_VALUES | values)


@pytest.mark.parametrize("kind", WORDINGS)
def test_no_text_that_may_be_saved_is_longer_than_the_provider_takes(kind: str) -> None:
    choices = "; ".join([longest_text("choice")] * 5)
    assert len(longest_text(kind, choices=choices)) <= 1_600
