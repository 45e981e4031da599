"""Alternating rounds: everything compared is measured in each round, so that a busy machine slows all of it alike."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

QUICK = os.environ.get("QUICK", "") not in ("", "0")
ROUNDS = 3 if QUICK else 7
SECONDS = 0.4 if QUICK else 1.0


@dataclass(frozen=True, slots=True)
class Rates:
    """What each contender reached in each round, by name."""

    of: Mapping[str, list[float]]

    def rate(self, name: str) -> float:
        return median(self.of[name])

    def ratio(self, name: str, yardstick: str) -> float:
        """The median of the rounds' own ratios."""
        return median(a / b for a, b in zip(self.of[name], self.of[yardstick], strict=True))


def alternate(contenders: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> Rates:
    """Each contender answers its rate; every other round runs in the opposite order. The first call of each is for warmth."""
    for contender in contenders.values():
        contender()
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in list(contenders)[:: 1 if number % 2 == 0 else -1]:
            rates[name].append(contenders[name]())
    return Rates(rates)
