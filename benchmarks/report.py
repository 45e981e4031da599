"""The table: printed as it grows, and kept in benchmarks/README.md."""

import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"


@dataclass(frozen=True, slots=True)
class Line:
    """`goal` as the issue words it, none for what is shown for comparison; `met` none when there is no goal."""

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        return self.what, self.measured, self.goal, {True: "yes", False: "**no**", None: ""}[self.met], self.note


@dataclass(slots=True)
class Report:
    engines: dict[str, str] = field(default_factory=dict)
    sections: dict[str, list[Line]] = field(default_factory=dict)

    def section(self, title: str) -> None:
        self.sections.setdefault(title, [])
        print(f"\n{title}", flush=True)

    def add(self, line: Line) -> None:
        list(self.sections.values())[-1].append(line)
        what, measured, goal, met, note = line.cells()
        print(f"  {what:<66} {measured:>16}  {goal:<10} {met.strip('*'):<4}{note}", flush=True)

    def share(self, what: str, ratio: float, goal: float | None = None, *, of: str = "empty", note: str = "") -> None:
        """A rate as a percentage of a yardstick's."""
        wanted = f"≥ {goal:.0%}" if goal else ""
        self.add(Line(what, f"{ratio:.1%} of {of}", wanted, ratio >= goal if goal else None, note))

    def at_most(self, what: str, value: float, goal: float, *, unit: str = "", note: str = "") -> None:
        self.add(Line(what, f"{value:,.4g}{unit}", f"≤ {goal:g}{unit}", value <= goal, note))

    def at_least(self, what: str, value: float, goal: float, *, unit: str = "", note: str = "") -> None:
        self.add(Line(what, f"{value:,.4g}{unit}", f"≥ {goal:g}{unit}", value >= goal, note))

    def keep(self) -> None:
        """Put the figures into the README, whose words stay."""
        text = README.read_text()
        head, _, rest = text.partition(BEGIN)
        tail = rest.partition(END)[2]
        README.write_text(head + BEGIN + self._markdown() + END + tail)

    def _markdown(self) -> str:
        parts = [f"\n{self._circumstances()}\n"]
        for title, lines in self.sections.items():
            if lines:
                parts.append(f"\n### {title}\n\n| what | measured | goal | met | |\n|---|---|---|---|---|")
                parts += ["| " + " | ".join(line.cells()) + " |" for line in lines]
        return "\n".join(parts) + "\n\n"

    def _circumstances(self) -> str:
        load, cores = os.getloadavg()[0], os.cpu_count() or 1
        programs = [
            f"Python {platform.python_version()}",
            *(f"{name} {number}" for name, number in self.engines.items()),
        ]
        programs += [f"{name} {version(name)}" for name in ("gunicorn", "Flask", "SQLAlchemy", "psycopg")]
        busy = (
            ""
            if load < cores + 1
            else " **The machine was busy with other work: the ratios of alternating rounds stand, less surely.**"
        )
        return f"{datetime.now(UTC):%-d %B %Y}, {', '.join(programs)}, {cores} cores; load average at the end {load:.1f}.{busy}"
