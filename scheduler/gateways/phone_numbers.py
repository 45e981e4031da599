"""Phone numbers of the countries that the clinic texts (PHONE_COUNTRIES), as people type them and as they are shown."""

from collections.abc import Sequence
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat, PhoneNumberType

from scheduler.domain.typed_numbers import plain_number

# By name: +1 also leads to Jamaica, the Bahamas and others, where a text costs twenty times as much.
UNLESS_SET = ("CA", "US")
_countries = list(UNLESS_SET)

_TEXTABLE = {
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.VOIP,
    PhoneNumberType.PERSONAL_NUMBER,
}
_NORTH_AMERICA = 1  # where a number does not show whether it is a mobile one


class BadPhoneNumber(ValueError):
    """Not a number of the clinic's countries that can get a text. Does not carry the number."""


def serve(countries: Sequence[str]) -> None:
    """For the whole process, from now on. ISO 3166 codes; numbers typed without their country are of the first.

    Raises ValueError for one that the library does not know.
    """
    if not countries or not set(countries) <= phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("not the codes of countries")
    _countries[:] = countries


def served() -> tuple[str, ...]:
    return tuple(_countries)


def example() -> str:
    """A mobile number of the first country, as it is shown."""
    country = _countries[0]
    number = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE) or phonenumbers.example_number(
        country
    )
    assert number is not None  # noqa: S101 - the library has one for every country that it knows
    return display(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def parse(text: str) -> str:
    """The number in E.164, as "+16135550142".

    Asks the library for a valid number, not only a possible one: "possible" counts digits, and would let a local
    number without its area code and an area code 123 pass. Numbers 555-0100 to 555-0199, reserved for fiction, are
    valid in every area code. Toll-free and premium numbers, and numbers with an extension, are refused: nobody's
    mobile.
    """
    try:
        number = phonenumbers.parse(plain_number(text), _countries[0])
    except NumberParseException as error:
        raise BadPhoneNumber(f"not a phone number ({error.error_type})") from None  # its words quote the number
    if not phonenumbers.is_valid_number(number):
        raise BadPhoneNumber("no such number")
    if phonenumbers.region_code_for_number(number) not in _countries:
        raise BadPhoneNumber("of another country")
    kind = phonenumbers.number_type(number)
    may_be_mobile = kind in _TEXTABLE or (kind == PhoneNumberType.FIXED_LINE and number.country_code == _NORTH_AMERICA)
    if not may_be_mobile or number.extension:
        raise BadPhoneNumber("not a number that can get a text")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def pattern() -> str:
    """A regular expression of the numbers of Canada and the US that `parse` takes unless others are set, in E.164; its
    other ways of writing are left out."""
    regions: list[Any] = [PhoneMetadata.metadata_for_region(region) for region in UNLESS_SET]
    numbers = [region.mobile.national_number_pattern for region in regions]
    return rf"^\+1({'|'.join(numbers)})$".replace(r"\d", "[0-9]")


def display(number: str) -> str:
    """ "613-555-0142" for "+16135550142"; one of another country stays international, a short code or name as it is."""
    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        return number
    if parsed.country_code != 1:
        return phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)
    digits = str(parsed.national_number)
    return f"{digits[:-7]}-{digits[-7:-4]}-{digits[-4:]}"
