"""Every text as the settings page shows it, in our words: golden files (write them anew with WRITE_GOLDEN=1)."""

import dataclasses
import os
from datetime import datetime
from pathlib import Path

import pytest

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.sms_segments import segments
from scheduler.domain.texts.wording import WORDINGS, words
from scheduler.usecases.texts.samples import CODE, LINK_KEY, sample_text, samples
from scheduler.usecases.texts.visit_texts import visit_text

GOLDEN = Path(__file__).parent / "golden"
CLINIC = dataclasses.replace(ClinicSettings(), public_url="https://book.eastsidephysio.ca")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_text_reads_as_agreed(language: str) -> None:
    found = ""
    for kind in WORDINGS:
        for sample in samples(kind, language, CLINIC):
            text = sample_text(words(CLINIC, kind, language), sample)
            found += f"{kind}, {sample.name}: {segments(text)} parts, {len(text)} letters\n{text}\n\n"
    golden = GOLDEN / f"every_text.{language}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(found)
    assert found == golden.read_text()


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", WORDINGS)
def test_a_sample_leaves_nothing_open_and_costs_one_part(kind: str, language: str) -> None:
    """But for a reminder, which has a shorter one (below)."""
    for sample in samples(kind, language, CLINIC):
        text = sample_text(words(CLINIC, kind, language), sample)
        assert "{" not in text
        assert segments(text) == 1 or (kind, sample.name) == ("reminder", "long")


def test_a_sample_is_what_would_go_out() -> None:
    clinic = dataclasses.replace(
        CLINIC, texts={("confirmation", "fr"): "{clinic} à {time}, {day}! {practitioner} {link}"}
    )
    for sample, at, who in zip(
        samples("confirmation", "fr", clinic),
        ("2026-12-08T17:30", "2026-09-23T12:45"),
        ("Maya", "Marie-Françoise"),
        strict=True,
    ):
        sent = visit_text(
            "confirmation",
            clinic=clinic,
            starts_local=datetime.fromisoformat(at),
            practitioner=who,
            language="fr",
            moved=False,
            link=f"{clinic.public_url}/m/{LINK_KEY}",
        )
        assert sample_text(words(clinic, "confirmation", "fr"), sample) == sent


def test_the_line_that_fills_in_the_code_is_there_where_there_is_room() -> None:
    [sample] = samples("code", "en", CLINIC)
    assert sample_text("{clinic} {code}", sample).endswith(f"\n\n@book.eastsidephysio.ca #{CODE}")
    assert sample_text("{clinic} {code}" + "a" * 120, sample).endswith("a")


@pytest.mark.parametrize(
    ("reworded", "goes_out"),
    [
        ((), "Reply C"),  # ours is shortened by ours
        (("reminder",), "https"),  # the owner's is not
        (("reminder", "reminder-short"), "Short"),
        (("reminder-short",), "Short"),
    ],
)
def test_a_reminder_is_shortened_by_words_of_the_same_hand(reworded: tuple[str, ...], goes_out: str) -> None:
    own = {"reminder": "{clinic} {day} {time} {link} " + "a" * 90, "reminder-short": "Short: {clinic} {day} {time}"}
    clinic = dataclasses.replace(
        CLINIC,
        name="Physiothérapie de la Grande Rivière du Nord",
        texts={(kind, "en"): own[kind] for kind in reworded},
    )
    text = visit_text(
        "days_before_3",
        clinic=clinic,
        starts_local=datetime.fromisoformat("2026-09-23T12:45"),
        practitioner="Maya",
        language="en",
        moved=False,
    )
    assert goes_out in text
    assert (segments(text) == 1) == (reworded != ("reminder",))
