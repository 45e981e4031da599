"""The screening questions of domain/screening.py in words."""

from flask_babel import lazy_gettext as _l

from scheduler.domain.screening import ScreeningQuestion

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
