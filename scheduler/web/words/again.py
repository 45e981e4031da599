"""From when something may be tried again, with the day where that is not today."""

from datetime import datetime, timedelta

from flask_babel import gettext as _

from scheduler import clock
from scheduler.extensions import clinic_zone
from scheduler.web.words.dates import day_words, time_words


def again_words(again_at: datetime) -> str:
    """ "after 3:15 pm", "tomorrow, Tuesday 1 December, from 9:00 am", "on Friday 1 January from 12:00 am"."""
    zone = clinic_zone()
    today = clock.to_local(clock.now(), zone).date()
    if clock.to_local(again_at, zone).date() <= today:
        return str(_("after %(time)s", time=time_words(clock.to_local(again_at, zone))))
    again = clock.to_local(again_at + timedelta(minutes=1) - timedelta(microseconds=1), zone)  # from a full minute on
    if again.date() == today + timedelta(days=1):
        return str(_("tomorrow, %(day)s, from %(time)s", day=day_words(again), time=time_words(again)))
    return str(_("on %(day)s from %(time)s", day=day_words(again), time=time_words(again)))
