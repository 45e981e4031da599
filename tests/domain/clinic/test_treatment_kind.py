"""Which names sound like IMS."""

import pytest

from scheduler.domain.clinic.treatment_kind import sounds_like_ims

SOUNDS_SO = [
    *("IMS", "ims 30", "I.M.S.", "I M S", "i-m-s", "IMS30", "ＩＭＳ", "Gunn", "SIM", "Séance SIM", "sim/suivi"),
    *("Dry needling", "DRY-NEEDLING", "DryNeedling", "Needle work", "Trigger point needling", "Acupuncture"),
    *(
        "Aiguilles",
        "AIGUILLES SÈCHES",
        "Puncture sèche",
        "Ponction sèche",
        "puncture seche",
        "Intramuscular stimulation",
    ),
    *("Stimulation intra-musculaire", "IMS assessment"),
]
DOES_NOT = [
    "",
    "Assessment",
    "Follow-up",
    "Évaluation",
    "Suivi",
    "Simple visit",
    "Simone",
    "Time",
    "Shims",
    "Massage",
    "Laser",
]


@pytest.mark.parametrize("name", SOUNDS_SO)
def test_it_sounds_like_ims(name: str):
    assert sounds_like_ims("Visit", name)


@pytest.mark.parametrize("name", DOES_NOT)
def test_it_does_not(name: str):
    assert not sounds_like_ims(name)
