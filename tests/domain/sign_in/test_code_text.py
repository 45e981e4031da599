import pytest

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.sign_in.code_text import code_text
from scheduler.domain.texts.sms_segments import segments

HTTPS = "https://book.example.ca"


def text(language: str = "en", **clinic: str) -> str:
    return code_text(clinic=ClinicSettings(**clinic), code="012345", language=language, minutes=10)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "East Side Physio: your code is 012345. It works for 10 minutes.\n\n@book.example.ca #012345"),
        ("fr", "East Side Physio : votre code est 012345. Il est valable 10 minutes.\n\n@book.example.ca #012345"),
    ],
)
def test_the_whole_text(language: str, words: str) -> None:
    assert text(language, public_url=HTTPS) == words


def test_an_unknown_language_gets_english() -> None:
    assert text("de") == text("en")


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "http://book.example.ca"])
def test_no_fill_in_line_where_no_phone_would_read_it(address: str) -> None:
    assert text(public_url=address).count("\n") == 0


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("length", [1, 20, 60, 80])
def test_the_text_is_one_gsm_part(language: str, length: int) -> None:
    written = text(language, name="C" * length, public_url="https://" + "b" * 40 + ".example.ca")
    assert written.isascii() and len(written) <= 160 and "012345" in written


def test_a_long_name_costs_the_fill_in_line_and_nothing_else() -> None:
    written = text(name="C" * 80, public_url="https://" + "b" * 60 + ".example.ca")
    assert "@" not in written and written.endswith("minutes.")


@pytest.mark.parametrize(("language", "says"), [("en", "Reply STOP to end all texts"), ("fr", "Répondez ARRET")])
def test_the_first_text_to_a_number_says_how_to_stop_them_all(language: str, says: str) -> None:
    first = code_text(
        clinic=ClinicSettings(public_url=HTTPS), code="012345", language=language, minutes=10, is_first=True
    )
    assert says in first and "codes" in first and segments(first) == 1
