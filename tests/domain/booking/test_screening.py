from datetime import date, datetime, timedelta

import pytest

from scheduler.domain.booking.screening import EarlierAnswers, ScreeningAnswers, ScreeningQuestion, screening_answers
from scheduler.domain.errors import Invalid

TODAY = date(2026, 12, 1)
ALL_NO = dict.fromkeys(ScreeningQuestion, False)


def answered(*yes: str, needled_on: date | None = None) -> ScreeningAnswers:
    return screening_answers({**ALL_NO, **dict.fromkeys(yes, True)}, needled_on=needled_on, today=TODAY)


def refused_fields(*yes: str, needled_on: date | None = None) -> list[str]:
    with pytest.raises(Invalid) as refused:
        answered(*yes, needled_on=needled_on)
    return list(refused.value.errors)


def test_all_no_is_not_flagged():
    answers = answered()
    assert not answers.flagged
    assert answers.visit_elsewhere is None


@pytest.mark.parametrize("question", [q for q in ScreeningQuestion if q != "needled_elsewhere"])
def test_any_yes_flags_the_visit_and_refuses_nothing(question):
    answers = answered(question)
    assert answers.flagged
    assert answers.yes == {question}


def test_needling_elsewhere_is_a_visit_that_counts_from_the_end_of_its_day():
    visit = answered("needled_elsewhere", needled_on=TODAY).visit_elsewhere
    assert visit is not None
    assert (visit.starts_local, visit.day, visit.elsewhere) == (datetime(2026, 12, 2), TODAY, True)


def test_needling_elsewhere_needs_its_day_and_not_one_to_come():
    assert refused_fields("needled_elsewhere") == ["needled_on"]
    assert refused_fields("needled_elsewhere", needled_on=date(2026, 12, 2)) == ["needled_on"]
    assert refused_fields("needled_elsewhere", needled_on=date.max) == ["needled_on"]


def test_a_day_left_over_from_a_yes_changed_to_no_is_dropped():
    assert answered(needled_on=date(2027, 1, 1)).needled_on is None


def test_every_question_needs_an_answer():
    with pytest.raises(Invalid) as refused:
        screening_answers({"pregnancy": False}, needled_on=None, today=TODAY)
    assert list(refused.value.errors) == [q for q in ScreeningQuestion if q != "pregnancy"]


@pytest.mark.parametrize(("days_ago", "said_again"), [(1, True), (60, True), (61, False)])
def test_what_has_not_changed_is_said_again_while_needling_elsewhere_may_still_count(
    days_ago: int, said_again: bool
) -> None:
    today = date(2026, 12, 1)
    told = ScreeningAnswers(
        frozenset({ScreeningQuestion.INFECTION, ScreeningQuestion.NEEDLED_ELSEWHERE}), today - timedelta(days=days_ago)
    )
    unchanged = EarlierAnswers(today, told).unchanged(today)
    assert ScreeningQuestion.INFECTION in unchanged.yes
    assert (unchanged.needled_on is not None) == (ScreeningQuestion.NEEDLED_ELSEWHERE in unchanged.yes) == said_again
