"""What is said of a number that gets no texts of ours."""

from flask_babel import get_locale
from flask_babel import gettext as _

from scheduler.gateways import phone_numbers


def no_mobile_number() -> str:
    words: str = _("This is not a mobile number of Canada or the US. Type all 10 digits, for example 613-555-0142.")
    if phone_numbers.served() != phone_numbers.UNLESS_SET:
        names = get_locale().territories
        words = _(
            "The clinic texts mobile numbers of %(countries)s, and this is none. Type all its digits, for example %(number)s.",
            countries=", ".join(names[country] for country in phone_numbers.served()),
            number=phone_numbers.example(),
        )
    return words
