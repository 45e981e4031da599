"""Golden files: a text that patients read changes only when somebody means it. Write them anew with WRITE_GOLDEN=1."""

import dataclasses
import itertools
import os
import re
from datetime import datetime
from pathlib import Path

import pytest

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.sms_segments import is_gsm7, segments
from scheduler.usecases.texts.samples import LINK_KEY
from scheduler.usecases.texts.visit_texts import visit_text

GOLDEN = Path(__file__).parent / "golden"
CLINIC = dataclasses.replace(ClinicSettings(), public_url="https://book.eastsidephysio.ca")
TEXTS = {
    "confirmation": ("confirmation", False),
    "moved": ("confirmation", True),
    "reminder": ("days_before_3", False),
    "confirmed": ("days_before_1", False),
}
EVERY_DAY = [datetime(2028, 1 + day // 28, 1 + day % 28, 7 + day % 14, day % 4 * 15) for day in range(12 * 28)]
EVERY_TEXT = list(itertools.product(TEXTS, ("en", "fr")))
TWILIOS_WORDS = re.compile(
    r"\b(STOP|STOPALL|UNSUBSCRIBE|CANCEL|END|QUIT|ARRET|ARRÊT|START|UNSTOP|YES|HELP|INFO|AIDE)\b", re.I
)


def text(name: str, language: str, *, starts_local: datetime, practitioner: str = "Maya", clinic=CLINIC) -> str:
    kind, moved = TEXTS[name]
    return visit_text(
        kind,
        clinic=clinic,
        starts_local=starts_local,
        practitioner=practitioner,
        language=language,
        moved=moved,
        link=f"{clinic.public_url}/m/{LINK_KEY}",
        confirmed=name == "confirmed",
    )


@pytest.mark.parametrize(("name", "language"), EVERY_TEXT)
def test_texts_read_as_agreed(name, language):
    lines = [
        text(name, language, starts_local=datetime(2026, 12, 8, 17, 30)),
        text(name, language, starts_local=datetime(2027, 8, 1, 9), practitioner="François"),
        text(name, language, starts_local=datetime(2026, 2, 28, 12, 15), practitioner="Zoë"),
    ]
    found = "".join(f"{segments(line)} part, {len(line)} letters: {line}\n" for line in lines)
    golden = GOLDEN / f"{name}.{language}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(found)
    assert found == golden.read_text()


@pytest.mark.parametrize(("name", "language"), EVERY_TEXT)
def test_every_day_of_a_year_costs_one_part(name, language):
    for starts_local in EVERY_DAY:
        body = text(name, language, starts_local=starts_local, practitioner="Marie-Françoise")
        assert is_gsm7(body), body
        assert segments(body) == 1, body


@pytest.mark.parametrize(("name", "language"), EVERY_TEXT)
def test_no_text_holds_a_word_that_twilio_takes_for_itself_or_says_what_the_visit_is_for(name, language):
    body = text(name, language, starts_local=datetime(2026, 12, 8, 17, 30))
    assert not TWILIOS_WORDS.search(body)
    assert not re.search(r"IMS|needl|aiguille|assess|follow", body, re.I)
    assert {"East Side Physio", "17 h 30" if language == "fr" else "5:30 pm", "Maya"} <= set(
        re.findall(r"East Side Physio|17 h 30|5:30 pm|Maya", body)
    )
    assert f"https://book.eastsidephysio.ca/m/{LINK_KEY}" in body
    assert ("M to change" in body or "M pour changer" in body) == (name in ("reminder", "confirmed"))
    assert ("C to confirm" in body or "C pour confirmer" in body) == (name == "reminder")
    assert "613-555-0100" in body or (name, language) == ("reminder", "fr"), "the page gives it"


def test_a_longer_clinic_name_gets_the_short_day_before_it_costs_a_second_part():
    clinic = dataclasses.replace(CLINIC, name="Rideau River Physio")
    body = text("reminder", "en", starts_local=datetime(2026, 9, 23, 12, 30), practitioner="Christina", clinic=clinic)
    assert (segments(body), "Wed 23 Sep" in body, "https" in body) == (1, True, True)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_long_clinic_name_does_without_the_link_which_a_reply_brings(language):
    clinic = dataclasses.replace(CLINIC, name="Physiothérapie de la Grande Rivière Est")
    body = text("reminder", language, starts_local=datetime(2026, 9, 23, 12, 30), practitioner="Maya", clinic=clinic)
    assert (segments(body), "https" in body) == (1, False)


def test_a_name_that_gsm7_cannot_spell_is_left_as_it_is():
    body = text("confirmation", "en", starts_local=datetime(2026, 12, 8, 17, 30), practitioner="李娜")
    assert "李娜" in body
    assert segments(body) == 2


def test_another_language_reads_english():
    assert text("moved", "de", starts_local=datetime(2026, 12, 8, 17, 30)) == text(
        "moved", "en", starts_local=datetime(2026, 12, 8, 17, 30)
    )
