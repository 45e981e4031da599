"""What is kept sealed: opened by its own key and an old one, for its own person alone."""

import pytest

from scheduler.usecases.staff.sealing import CannotOpen, Opened, Seals

OLD, NEW = Seals(["the key of before, long"]), Seals(["the key of today, long", "the key of before, long"])
SECRET = "JBSWY3DPEHPK3PXP"


def test_todays_key_opens_and_an_old_one_asks_to_be_sealed_anew() -> None:
    assert SECRET not in OLD.seal(SECRET, "a")
    assert NEW.open(NEW.seal(SECRET, "a"), "a") == Opened(SECRET, seal_anew=False)
    assert NEW.open(OLD.seal(SECRET, "a"), "a") == Opened(SECRET, seal_anew=True)
    assert NEW.open(SECRET, "a") == Opened(SECRET, seal_anew=True)  # from before there were seals
    assert NEW.seal(SECRET, "a") != NEW.seal(SECRET, "a")


BROKEN = {
    "somebody else's": NEW.seal(SECRET, "b"),
    "another key's": Seals(["a third key"]).seal(SECRET, "a"),
    "cut off": OLD.seal(SECRET, "a")[:-4],
    "empty": "v1:",
    "too short": "v1:AAAA",
    "no base64": "v1:é",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_somebody_elses_another_keys_or_a_broken_one_opens_never(kind: str) -> None:
    with pytest.raises(CannotOpen):
        NEW.open(BROKEN[kind], "a")
