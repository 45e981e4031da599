"""Phone numbers of Canada and the US, as people type them and as they are shown."""

from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat, PhoneNumberType

# By name: +1 also leads to Jamaica, the Bahamas and others, where a text costs twenty times as much.
REGIONS = ("CA", "US")

# In North America a number does not show whether it is a mobile one.
_TEXTABLE = {
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.VOIP,
    PhoneNumberType.PERSONAL_NUMBER,
}


class BadPhoneNumber(ValueError):
    """Not a number of Canada or the US that can get a text. Does not carry the number."""


def parse(text: str, region: str = "CA") -> str:
    """The number in E.164, as "+16135550142".

    Asks the library for a valid number, not only a possible one: "possible" counts digits, and would let a local
    number without its area code and an area code 123 pass. Numbers 555-0100 to 555-0199, reserved for fiction, are
    valid in every area code. Toll-free and premium numbers, and numbers with an extension, are refused: nobody's
    mobile.
    """
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        raise BadPhoneNumber(f"not a phone number ({error.error_type})") from None  # its words quote the number
    if not phonenumbers.is_valid_number(number):
        raise BadPhoneNumber("no such number")
    if phonenumbers.region_code_for_number(number) not in REGIONS:
        raise BadPhoneNumber("not in Canada or the US")
    if phonenumbers.number_type(number) not in _TEXTABLE or number.extension:
        raise BadPhoneNumber("not a number that can get a text")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def pattern() -> str:
    """A regular expression of the numbers that `parse` takes, in E.164; its other ways of writing are left out."""
    regions: list[Any] = [PhoneMetadata.metadata_for_region(region) for region in REGIONS]
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
