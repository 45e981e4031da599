"""A new patient may be an old one."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from scheduler.queries.patients.duplicates import likely_duplicates, similar
from tests.factories import make_patient

BORN = date(1986, 3, 14)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (("Amélie", "Lévesque"), ("amelie", "LEVESQUE"), True),
        (("Amelie", "Levesque"), ("Lévesque", "Amélie"), True),
        (("Jon", "Smith"), ("John", "Smith"), True),
        (("Amélie", "Lévesque"), ("Amélie", "Lévêque"), True),
        (("Marie", "Roy Côté"), ("Marie", "Côté"), True),
        (("Amélie", "Lévesque"), ("Marco", "Rossi"), False),
        (("Ngozi", "Okafor"), ("Ada", "Okafor"), False),
        (("…", "…"), ("Ada", "Okafor"), False),
    ],
)
def test_names_are_similar_whatever_their_accents_and_order(
    one: tuple[str, str], other: tuple[str, str], alike: bool
) -> None:
    assert similar(one, other) is alike


def test_the_same_birth_date_with_a_similar_name_or_the_same_number(session: Session) -> None:
    make_patient(session, given_name="Amélie", family_name="Lévesque", birth_date=BORN, number="+16135550142")
    make_patient(session, given_name="Marco", family_name="Rossi", birth_date=BORN)
    make_patient(session, given_name="Ada", family_name="Lévesque", birth_date=date(2011, 1, 1), number="+16135550143")

    def offered(given: str, family: str, born: date | None, phone: str | None) -> list[str]:
        return [one.given_name for one in likely_duplicates(session, given, family, born, phone)]

    assert offered("amelie", "levesque", BORN, None) == ["Amélie"]
    assert offered("Zoë", "Lévesque", None, "+16135550143") == ["Ada"]
    assert offered("amelie", "levesque", BORN, "+16135550143") == ["Amélie", "Ada"]
    assert offered("Marco", "Rossi", None, None) == []
    assert offered("Somebody", "Else", BORN, "+16135550199") == []
