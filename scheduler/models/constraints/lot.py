"""Triggers that belong together, of each engine."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Lot:
    """The triggers that need `table`. Names are the same on both engines, or begin alike.

    `sqlite`: name → what stands between it and END. `postgresql`: name → (table, when and what); `functions` they call.
    """

    table: str
    sqlite: dict[str, str]
    postgresql: dict[str, tuple[str, str]]
    functions: dict[str, str] = field(default_factory=dict)

    def install_statements(self, dialect: str) -> Iterator[str]:
        yield from self.remove_statements(dialect)
        if dialect == "sqlite":
            for name, rest in self.sqlite.items():
                yield f"CREATE TRIGGER {name} {rest} END"
            return
        yield from self.functions.values()
        for name, (_table, rest) in self.postgresql.items():
            yield f"CREATE TRIGGER {name} {rest}"

    def remove_statements(self, dialect: str) -> Iterator[str]:
        if dialect == "sqlite":
            for name in self.sqlite:
                yield f"DROP TRIGGER IF EXISTS {name}"
            return
        for name, (table, _rest) in self.postgresql.items():
            yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
        for name in self.functions:
            yield f"DROP FUNCTION IF EXISTS {name}()"

    def names(self, dialect: str) -> set[str]:
        return set(self.sqlite if dialect == "sqlite" else self.postgresql)
