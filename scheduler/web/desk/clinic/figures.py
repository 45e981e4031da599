"""The clinic at a glance: plots drawn here as SVG, and the numbers beside them."""

import itertools
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.extensions import db, now_at_the_clinic
from scheduler.queries.clinic import figures, reference
from scheduler.queries.clinic.figures import A_WEEK, LEAD_DAYS, Figures, Week
from scheduler.web import access
from scheduler.web.desk.query_fields import number
from scheduler.web.desk.sign_in.door import require_staff

blueprint = Blueprint("desk_figures", __name__)
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)

WEEKS = (4, 13, 26, 52)
PLOT_WIDTH, PLOT_HEIGHT, BOTTOM = 640, 200, 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One week in the plot, in units of its own; `missed_y` is above the visits."""

    week: Week
    x: float
    width: float
    y: float
    height: float
    missed_y: float
    missed_height: float
    labelled: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table with a bar. `share` of the longest bar, `percent` of the whole."""

    name: str
    words: str
    share: float
    percent: int


@blueprint.get("/desk/figures")
def show() -> ResponseReturnValue:
    """`?weeks=` 4, 13, 26 or 52, the last of them as far as yesterday."""
    today = now_at_the_clinic()[1].date()
    asked = number("weeks")
    weeks = asked if asked in WEEKS else 13
    yesterday = today - timedelta(days=1)
    first = yesterday - timedelta(days=yesterday.weekday()) - (weeks - 1) * A_WEEK
    with db.reading.connect() as connection:
        known = reference.current(connection)
        found = figures.figures(connection, first=first, end=today, hours=known.hours)
    return render_template(
        "desk/clinic/figures.html",
        weeks=weeks,
        choices=WEEKS,
        first=first,
        today=today,
        bars=_bars(found.weeks),
        most=max([week.visits + week.missed for week in found.weeks], default=0),
        plot=(PLOT_WIDTH, PLOT_HEIGHT, BOTTOM),
        filled=_filled(found),
        lead=_counted(_lead_names(), found.lead),
        texts=_counted(
            [_("Delivered"), _("Sent, no receipt"), _("Failed")],
            [found.texts[name] for name in ("delivered", "sent", "failed")],
        ),
        origins=_counted(
            [_("Online"), _("At the desk"), _("By program")],
            [found.origins[name] for name in ("online", "desk", "api")],
        ),
        total=sum(week.visits for week in found.weeks),
        missed=sum(week.missed for week in found.weeks),
    )


def _bars(weeks: list[Week]) -> list[Bar]:
    most = max([week.visits + week.missed for week in weeks], default=0) or 1
    step = PLOT_WIDTH / len(weeks)
    unit = (PLOT_HEIGHT - BOTTOM - 16) / most
    every = -(-len(weeks) // 9)
    bars = []
    for place, week in enumerate(weeks):
        height, missed = week.visits * unit, week.missed * unit
        y = PLOT_HEIGHT - BOTTOM - height
        bars.append(
            Bar(
                week=week,
                x=round(place * step + step * 0.12, 1),
                width=round(step * 0.76, 1),
                y=round(y, 1),
                height=round(height, 1),
                missed_y=round(y - missed, 1),
                missed_height=round(missed, 1),
                labelled=place % every == 0,
            )
        )
    return bars


def _filled(found: Figures) -> list[Line]:
    return [
        Line(
            name=one.practitioner,
            words=_("%(filled)s of %(open)s h", filled=round(one.minutes / 60), open=round(one.open_minutes / 60)),
            share=one.share,
            percent=round(100 * one.share),
        )
        for one in found.filled
    ]


def _counted(names: list[str], counts: list[int]) -> list[Line]:
    total, most = sum(counts) or 1, max(counts) or 1
    return [
        Line(name, str(count), count / most, round(100 * count / total))
        for name, count in zip(names, counts, strict=True)
    ]


def _lead_names() -> list[str]:
    names = [_("Less than a day")]
    names += [_("%(least)d to %(most)d days", least=least, most=most) for least, most in itertools.pairwise(LEAD_DAYS)]
    return [*names, _("%(least)d days or more", least=LEAD_DAYS[-1])]
