from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.gateways import phone_numbers
from scheduler.gateways.phone_numbers import BadPhoneNumber, display, parse


@pytest.mark.parametrize(
    "text",
    [
        "613-555-0142",
        "(613) 555-0142",
        "613.555.0142",
        " 1 613 555 0142 ",
        "+1 613 555 0142",
        "+16135550142",
        "tel:+1-613-555-0142",
        "６１３５５５０１４２",
    ],
)
def test_a_number_as_people_type_it(text: str) -> None:
    assert parse(text) == "+16135550142"


@pytest.mark.parametrize("area", ["613", "343", "416", "819", "403", "604", "204", "709", "902", "212", "907"])
def test_numbers_reserved_for_fiction_are_numbers_in_every_area(area: str) -> None:
    for last in ("0100", "0142", "0199"):
        assert parse(f"{area}-555-{last}") == f"+1{area}555{last}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a phone number"),
        ("hello", "not a phone number"),
        ("9" * 300, "not a phone number"),
        ("911", "no such number"),
        ("555-0142", "no such number"),
        ("123-555-0142", "no such number"),
        ("613-155-0142", "no such number"),
        ("613 555 01422", "no such number"),
        ("+33 6 12 34 56 78", "of another country"),
        ("+1 876 555 0142", "of another country"),
        ("+1 671 555 0142", "of another country"),
        ("1-800-555-0142", "not a number that can get a text"),
        ("1-900-555-0142", "not a number that can get a text"),
        ("613-555-0142 ext. 5", "not a number that can get a text"),
    ],
)
def test_what_is_refused_and_why(text: str, why: str) -> None:
    with pytest.raises(BadPhoneNumber, match=why):
        parse(text)


@pytest.fixture
def france_too() -> Iterator[None]:
    phone_numbers.serve(("FR", "CA"))
    yield
    phone_numbers.serve(phone_numbers.UNLESS_SET)


@pytest.mark.usefixtures("france_too")
def test_numbers_of_the_countries_that_are_set_and_of_the_first_without_its_code() -> None:
    assert parse("06 12 34 56 78") == "+33612345678"
    assert parse("+1 613 555 0142") == "+16135550142"
    with pytest.raises(BadPhoneNumber, match="another country"):
        parse("+1 212 555 0142")
    with pytest.raises(BadPhoneNumber, match="not a number that can get a text"):
        parse("01 42 34 56 78")  # a landline, which a French number shows
    assert parse(phone_numbers.example()).startswith("+33")


@pytest.mark.parametrize("countries", [(), ("XX",), ("",)])
def test_a_country_that_nobody_knows(countries: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="countries"):
        phone_numbers.serve(countries)
    assert phone_numbers.served() == phone_numbers.UNLESS_SET


def test_the_bahamas_are_refused_although_they_share_the_country_code() -> None:
    with pytest.raises(BadPhoneNumber):
        parse("+1 242 359 0142")


def test_a_refusal_does_not_quote_the_number() -> None:
    with pytest.raises(BadPhoneNumber) as caught:
        parse("+33 6 12 34 56 78")
    assert "12 34" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(st.text(max_size=40))
def test_whatever_is_typed_is_a_number_or_refused(text: str) -> None:
    try:
        number = parse(text)
    except BadPhoneNumber:
        return
    assert parse(number) == number
    assert parse(display(number)) == number


def test_a_number_is_shown_with_dashes() -> None:
    assert display("+16135550142") == "613-555-0142"
    assert display("+33612345678") == "+33 6 12 34 56 78"
