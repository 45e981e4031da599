"""Which PINs will do."""

import pytest

from scheduler.domain.staff.pins import NOT_SIX, TOO_EASY, pin_problem


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "47291a", "٤٧٢٩١٦", "47 916"])
def test_six_digits_are_asked_for(pin: str) -> None:
    assert pin_problem(pin) == NOT_SIX


@pytest.mark.parametrize(
    "pin",
    [
        "000000",
        "123456",
        "654321",
        "567890",
        "121212",
        "112233",
        "123123",
        "123321",
        "147258",
        "180486",
        "041886",
        "860418",
    ],
)
def test_those_that_anybody_tries_first_are_refused(pin: str) -> None:
    assert pin_problem(pin) == TOO_EASY


@pytest.mark.parametrize("pin", ["472916", "836597", "905743"])
def test_others_will_do(pin: str) -> None:
    assert pin_problem(pin) is None
