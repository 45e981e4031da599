"""A patient's record as a table, for whoever opens it in a spreadsheet."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scheduler.domain.moving_in.table import guarded

HEADER = ("part", "number", "field", "value")


def record_lines(everything: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[tuple[str, str, str, str]]:
    """One line for each value: which part of the record, which entry of it, which field, and what stands there."""
    for part, rows in everything.items():
        for number, row in enumerate(rows, start=1):
            for field, value in row.items():
                if value not in (None, "", {}):
                    yield part, str(number), field, guarded(str(value))
