"""Length over rules, and none of those that everybody tries first."""

import pytest

from scheduler.domain.staff import passwords
from scheduler.domain.staff.passwords import password_problem

NAMES = ("East Side Physio", "robin", "Robin Lévesque")


@pytest.mark.parametrize(
    "password",
    ["blue kettle on the roof", "correct horse battery", "été sans nuages", "x7!kQ0p#Lm2v", "夏草や兵どもが夢の跡です"],
)
def test_long_ones_of_ones_own_will_do(password: str) -> None:
    assert password_problem(password, names=NAMES) is None


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("eleven char", passwords.TOO_SHORT),
        ("", passwords.TOO_SHORT),
        ("long " * 41, passwords.TOO_LONG),
        ("password1234", passwords.TOO_COMMON),
        ("P@ssw0rd-2026!", passwords.TOO_COMMON),
        ("motdepasse 2026", passwords.TOO_COMMON),
        ("qwertyuiop123", passwords.TOO_COMMON),
        ("0987654321qwe", passwords.TOO_COMMON),
        ("welcomeadmin99", passwords.TOO_COMMON),
        ("East Side Physio 2026", passwords.WITH_NAME),
        ("robin.levesque", passwords.WITH_NAME),
        ("aaaaaaaaaaaaaaa", passwords.TOO_PLAIN),
        ("kx7mvpkx7mvpkx7mvp", passwords.TOO_PLAIN),
    ],
)
def test_what_anybody_would_try_will_not(password: str, problem: str) -> None:
    assert password_problem(password, names=NAMES) == problem
