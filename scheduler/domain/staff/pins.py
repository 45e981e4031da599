"""Which PINs will do: six digits that nobody tries first."""

DIGITS = 6
NOT_SIX = "Use 6 digits."
TOO_EASY = "This PIN is among the first that anybody would try. Choose another."
_ROWS = ("01234567890", "09876543210")
_COLUMNS = ("147258", "258369", "369258", "741852", "963852", "159357", "357159", "142536")
FEWEST_DIFFERENT = 3


def pin_problem(pin: str) -> str | None:
    """What is wrong with it, as an English sentence."""
    if len(pin) != DIGITS or not (pin.isascii() and pin.isdecimal()):
        return NOT_SIX
    half, third = pin[:3], pin[:2]
    easy = (
        len(set(pin)) < FEWEST_DIFFERENT
        or any(pin in row for row in _ROWS)
        or pin in (half * 2, half + half[::-1], third * 3, *_COLUMNS)
        or _is_a_day(pin)
    )
    return TOO_EASY if easy else None


def _is_a_day(pin: str) -> bool:
    """180486, 041886 or 860418: most likely a birthday, which colleagues know."""
    a, b, c = int(pin[:2]), int(pin[2:4]), int(pin[4:])
    return any(1 <= day <= 31 and 1 <= month <= 12 for day, month in ((a, b), (b, a), (c, b)))
