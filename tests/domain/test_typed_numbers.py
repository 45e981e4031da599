"""Numbers and codes with marks that nobody sees."""

import pytest

from scheduler.domain.booking.visit_reference import appointment_of, reference_of
from scheduler.domain.clinic.setting_fields import FIELDS
from scheduler.domain.patients.search import criteria_of
from scheduler.domain.typed_numbers import plain_number, typed_code
from scheduler.gateways import phone_numbers

KEYCAPS = "".join(f"{digit}\ufe0f\u20e3" for digit in "4165550187")
WRITTEN = [
    "416\u2011555\u20110187",
    "416\u2010555\u20140187",
    "416\u2212555\u22120187",
    "416.555.0187.",
    "416\u00b7555\u00b70187",
    "\u202a416-555-0187\u202c",
    "\u2068416-555-0187\u2069",
    "\ufeff416\u034f 555\u200b 0187",
    "416-555-0187\ufe0f",
    KEYCAPS,
    f"+1 {KEYCAPS}",
    "\uff14\uff11\uff16\u3000\uff15\uff15\uff15\u3000\uff10\uff11\uff18\uff17",
    "\u0664\u0661\u0666 \u0665\u0665\u0665 \u0660\u0661\u0668\u0667",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_a_telephone_number_is_read_whatever_marks_are_in_it(text: str) -> None:
    assert phone_numbers.parse(text) == "+14165550187"
    assert FIELDS["phone"].read(text).rstrip(".").endswith("0187")


@pytest.mark.parametrize("text", WRITTEN)
def test_a_patient_is_found_by_such_a_number(text: str) -> None:
    (criterion,) = criteria_of(text)
    assert criterion.digits.endswith("4165550187")


@pytest.mark.parametrize(
    "text",
    [
        "271828.",
        "271\u2011828",
        "271 828",
        "\u202a271828\u202c",
        "2\ufe0f\u20e37\ufe0f\u20e31\ufe0f\u20e38\ufe0f\u20e32\ufe0f\u20e38\ufe0f\u20e3",
        "27\u034f1828\ufe0f",
        "271.828",
        "“271828”",
        "٢٧١٨٢٨",
        "\n271828\t",
    ],
)
def test_a_code_is_read_whatever_is_around_its_digits(text: str) -> None:
    assert typed_code(text) == "271828"


@pytest.mark.parametrize("text", ["271828a", "27182", "", "½71828"])
def test_what_is_no_code_stays_none(text: str) -> None:
    code = typed_code(text)
    assert not (code.isdecimal() and len(code) == 6)


def test_what_is_no_number_stays_none() -> None:
    assert plain_number("416-555-01x7") == "416-555-01x7"
    with pytest.raises(phone_numbers.BadPhoneNumber):
        phone_numbers.parse("\u202a\ufe0f\u202c")


def test_a_reference_is_read_with_such_marks_too() -> None:
    reference = reference_of(12_345)
    for typed in (reference.replace("-", "\u2011"), f"\u202a{reference.lower()}\u202c.", reference.replace("-", " ")):
        assert appointment_of(typed) == 12_345
