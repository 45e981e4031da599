import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.texts.sms_segments import BASIC, EXTENDED, is_gsm7, segments, spelled_in_gsm7


def test_the_alphabet_has_its_128_places():
    assert len(BASIC) == 127  # one place is the escape to the extended letters
    assert len(EXTENDED) == 10


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 80 + "a", 2),
        ("a" * 152 + "€" + "a" * 7, 2),
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # the euro's two septets are not cut in two
        ("ê" * 70, 1),
        ("ê" + "a" * 70, 2),
        ("ê" * 134, 2),
        ("ê" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),  # 33 in each part: 67 units leave half of a pair
        ("😀" * 67, 3),
    ],
)
def test_parts_are_counted_as_carriers_count_them(text, parts):
    assert segments(text) == parts


@pytest.mark.parametrize("letter", "çêîôûëïœâÈÀ’«»")
def test_french_letters_outside_gsm7_are_known_as_such(letter):
    assert not is_gsm7(letter)


@pytest.mark.parametrize("letter", "éèàùÉÇ")
def test_french_letters_inside_gsm7_are_kept(letter):
    assert is_gsm7(letter)
    assert spelled_in_gsm7(letter) == letter


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("Zoë", "Zoe"),
        ("Benoît Côté", "Benoit Coté"),
        ("Françoise", "Francoise"),
        ("François d’Œuvre", "Francois d'OEuvre"),
        ("Łukasz", "Lukasz"),
        ("Nguyễn", "Nguyen"),
        ("e\u0302", "e"),
        ("李", None),
        ("Анна", None),
    ],
)
def test_names_are_spelled_with_the_letters_that_there_are(name, spelled):
    assert spelled_in_gsm7(name) == spelled


@given(st.text())
def test_spelling_gives_gsm7_or_nothing_and_leaves_gsm7_alone(text):
    spelled = spelled_in_gsm7(text)
    assert spelled is None or is_gsm7(spelled)
    if is_gsm7(text):
        assert spelled == text


@given(st.text(max_size=400), st.text(max_size=10))
def test_more_text_never_costs_less(text, more):
    assert segments(text + more) >= segments(text) >= 1
