"""The screening questions of domain/booking/screening.py in words."""

from flask_babel import lazy_gettext as _l

from scheduler.domain.booking.screening import ScreeningAnswers, ScreeningQuestion
from scheduler.web.words.dates import day_with_year_words

QUESTION_WORDS = {
    ScreeningQuestion.PREGNANCY: _l("I am pregnant, or may be"),
    ScreeningQuestion.IMPLANTED_DEVICE: _l("I have a pacemaker or another implanted device"),
    ScreeningQuestion.BLOOD_THINNERS: _l("I take blood thinners or have a bleeding disorder"),
    ScreeningQuestion.INFECTION: _l("I have an infection or a weakened immune system"),
    ScreeningQuestion.RECENT_SURGERY: _l("I had surgery in the last six months"),
    ScreeningQuestion.IMPLANTS_NEAR: _l("I have an implant or artificial joint near the sore area"),
    ScreeningQuestion.FEAR_OF_NEEDLES: _l("I am afraid of needles, or have fainted"),
    ScreeningQuestion.NEEDLED_ELSEWHERE: _l("I have had IMS or dry needling at another clinic"),
}


def answer_words(answers: ScreeningAnswers) -> list[str]:
    """What was answered with yes, and the day that was told with it."""
    words = {question: str(said) for question, said in QUESTION_WORDS.items() if question in answers.yes}
    if answers.needled_on is not None and ScreeningQuestion.NEEDLED_ELSEWHERE in words:
        words[ScreeningQuestion.NEEDLED_ELSEWHERE] += f" ({day_with_year_words(answers.needled_on)})"
    return list(words.values())
