"""The provinces that the clinic may choose are those that the library knows."""

from holidays.countries.canada import CA

from scheduler.domain.clinic.setting_fields import PROVINCES


def test_every_province_has_its_holidays() -> None:
    assert PROVINCES == CA.subdivisions
