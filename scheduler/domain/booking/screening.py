"""The questions before IMS (ARCHITECTURE.md). A "yes" flags the visit for the practitioner and never refuses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from scheduler.domain.booking.treatment_spacing import CountingVisit, end_of_day
from scheduler.domain.errors import Invalid

NEEDLED_ON = "needled_on"
"""The field for the day of the last needling elsewhere."""
COUNTS_AT_MOST = timedelta(days=60)  # longer than any clinic's days between two visits of IMS


class ScreeningQuestion(StrEnum):
    """Keys; the wording is the pages', in both languages."""

    PREGNANCY = "pregnancy"
    IMPLANTED_DEVICE = "implanted_device"
    BLOOD_THINNERS = "blood_thinners"
    INFECTION = "infection"
    RECENT_SURGERY = "recent_surgery"
    IMPLANTS_NEAR = "implants_near"
    FEAR_OF_NEEDLES = "fear_of_needles"
    NEEDLED_ELSEWHERE = "needled_elsewhere"


@dataclass(frozen=True, slots=True)
class ScreeningAnswers:
    """All questions answered: those in `yes` with yes, the others with no."""

    yes: frozenset[ScreeningQuestion] = frozenset()
    needled_on: date | None = None

    @property
    def flagged(self) -> bool:
        """Whether the practitioner should look before the visit."""
        return bool(self.yes)

    @property
    def visit_elsewhere(self) -> CountingVisit | None:
        """The needling elsewhere as a visit that counts for the seven-day rule."""
        if self.needled_on is None:
            return None
        return CountingVisit(end_of_day(self.needled_on), elsewhere=True, time_known=False)


@dataclass(frozen=True, slots=True)
class EarlierAnswers:
    """What a patient answered the last time, and on which day of the clinic's."""

    on: date
    answers: ScreeningAnswers

    def unchanged(self, today: date) -> ScreeningAnswers:
        """As the answers of today, when nothing has changed since. Needling elsewhere is not said again once it can no
        longer be too near to anything."""
        told = self.answers.needled_on
        if told is not None and told + COUNTS_AT_MOST >= today:
            return self.answers
        return ScreeningAnswers(self.answers.yes - {ScreeningQuestion.NEEDLED_ELSEWHERE})


def screening_answers(answers: Mapping[str, bool | None], *, needled_on: date | None, today: date) -> ScreeningAnswers:
    """Refuses, by field: a question without an answer, needling elsewhere without its day or on a day to come."""
    errors = {question.value: "Answer yes or no." for question in ScreeningQuestion if answers.get(question) is None}
    yes = frozenset(question for question in ScreeningQuestion if answers.get(question))
    if ScreeningQuestion.NEEDLED_ELSEWHERE not in yes:
        needled_on = None  # a day typed before the answer was changed to no
    elif needled_on is None:
        errors[NEEDLED_ON] = "Give the day you last had IMS or dry needling."
    elif needled_on > today:
        errors[NEEDLED_ON] = "This day is still to come. Give the day you last had IMS or dry needling."
    if errors:
        raise Invalid(errors)
    return ScreeningAnswers(yes, needled_on)
