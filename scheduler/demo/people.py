"""The demo clinic's patients: invented names of a city in Ontario, numbers reserved for fiction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import product
from random import Random

HOW_MANY = 300
KNOWN_FOR = timedelta(days=130)
"""How long everybody has been a patient: longer than their first visit is ago."""

GIVEN = (
    "Amélie André Aoife Arjun Béatrice Björn Camille Chloé Claire Daniel David Émile Elena Eleanor Étienne Fatima "
    "François Geneviève Grace Hana Hélène Hoa Isla Inês Jacques James Jin José Joséphine Karim Kofi Laila Léa Leila "
    "Liam Łukasz Luc Mahmoud Maëlle María Mateo Mei Mia Mohamed Nadia Ngozi Noah Noémie Nuño Odile Oisín Olivia Omar "
    "Øyvind Paul Pénélope Phương Raphaël Ravi René Rosa Ruth Samir Siân Sofía Søren Thérèse Thomas Úna Valérie Wei "
    "William Yasmin Yuki Yvonne Zoë Zofia"
).split()
FAMILY = (
    "Ahmed Andersen Beaulieu Bélanger Bouchard Brown Campbell Castañeda Chen Côté D’Amico Desjardins Dubé Fernández "
    "Gagné Gauthier González Grünwald Haddad Hébert Iyer Jakobsson Kaur Kim Kovačević Lachapelle Lafrenière Léger "
    "Lefebvre MacDonald Martínez McKenzie Müller Nguyễn Ó’Briain Okonkwo Ouellet Park Patel Pelletier Petrović "
    "Piché Rahman Rossi Sánchez Singh Škvorecký Smith Tanaka Théberge Thériault Tremblay Wang Whiteduck Wilson "
    "Wójcik Yılmaz Zielińska"
).split()
AREA_CODES = ("613", "343", "416", "647", "437", "905", "289", "519", "226", "705", "807")


class Story(StrEnum):
    """What brings somebody: a course of IMS, exercises and advice, a first look, or the README's tour."""

    IMS = "ims"
    PHYSIO = "physio"
    NEW = "new"
    TOUR = "tour"


@dataclass(slots=True)
class DemoPatient:
    """`key` is what visits refer to; the fields below `story` change while the diary is being written."""

    key: int
    given_name: str
    family_name: str
    birth_date: date
    number: str | None
    language: str
    story: Story
    cleared: bool = False
    treatment: str = ""
    due: date = date.max
    visits_left: int = 0
    last_ims: datetime | None = None
    prefers: str = ""
    released: datetime | None = field(default=None)  # when a visit was last cancelled or missed


@dataclass(frozen=True, slots=True)
class TourPatient:
    given_name: str
    family_name: str
    birth_date: date
    number: str
    language: str
    about: str


AMELIE = TourPatient("Amélie", "Lévesque", date(1986, 3, 14), "+16135550142", "en", "cleared for IMS and free to book")
MARCO = TourPatient("Marco", "Rossi", date(1979, 8, 2), "+16135550143", "en", "was here for IMS three days ago")
ISLA = TourPatient("Isla", "MacDonald", date(1992, 11, 23), "+16135550145", "en", "had IMS elsewhere yesterday")
NGOZI = TourPatient("Ngozi", "Okafor", date(1983, 5, 9), "+16135550144", "en", "a family of three on one number")
CHIDI = TourPatient("Chidi", "Okafor", date(1981, 1, 30), "+16135550144", "en", "")
ADA = TourPatient("Ada", "Okafor", date(2011, 6, 17), "+16135550144", "en", "")
LUC = TourPatient("Luc", "Tremblay", date(1968, 12, 5), "+16135550146", "fr", "reads French, cleared for IMS")
TOUR = (AMELIE, MARCO, ISLA, NGOZI, CHIDI, ADA, LUC)
NEW_NUMBER = "+16135550199"
"""Nobody's: for a new patient in the tour."""


def invent(random: Random) -> list[DemoPatient]:
    """The patients of the tour first, then families and single people up to `HOW_MANY`."""
    people = [
        DemoPatient(key, who.given_name, who.family_name, who.birth_date, who.number, who.language, Story.TOUR)
        for key, who in enumerate(TOUR)
    ]
    taken = {who.number for who in TOUR} | {NEW_NUMBER}
    numbers = [f"+1{code}55501{last:02}" for code, last in product(AREA_CODES, range(100))]
    free = [number for number in numbers if number not in taken]
    random.shuffle(free)
    names = list(product(GIVEN, FAMILY))
    random.shuffle(names)
    while len(people) < HOW_MANY:
        given, family = names.pop()
        number = free.pop() if random.random() < 0.97 else None  # some have no mobile: reception telephones
        size = random.choices((1, 2, 3, 4), (74, 14, 8, 4))[0] if number else 1
        language = "fr" if random.random() < 0.3 else "en"
        for member in range(min(size, HOW_MANY - len(people))):
            name = given if member == 0 else names.pop()[0]
            people.append(_person(random, len(people), name, family, number, language, grown_up=member < 2))
    return people


def _person(
    random: Random, key: int, given: str, family: str, number: str | None, language: str, *, grown_up: bool
) -> DemoPatient:
    age = random.randint(22, 84) if grown_up else random.randint(12, 19)
    born = date(2026, 1, 1) - timedelta(days=age * 365 + random.randrange(365))
    story = random.choices((Story.IMS, Story.PHYSIO, Story.NEW), (46, 20, 34))[0] if grown_up else Story.PHYSIO
    return DemoPatient(key, given, family, born, number, language, story)
