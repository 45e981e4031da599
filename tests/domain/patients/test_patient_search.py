"""What is typed to find a patient, and the words a name is found by."""

from datetime import date

import pytest

from scheduler.domain.folding import fold, typed_words, words_of
from scheduler.domain.patients.search import MOST_CRITERIA, Criterion, criteria_of


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Škvorecký", "skvorecky"),
        ("ŁUKASZ", "lukasz"),
        ("Søren", "soren"),
        ("Strauß", "strauss"),
        ("Œuvrard", "oeuvrard"),
        ("Nguyễn", "nguyen"),
        ("Yılmaz", "yilmaz"),
        ("王小明", "王小明"),
        ("김민준", "김민준"),
        ("Ɂ", "ɂ"),
    ],
)
def test_accents_and_case_do_not_matter(name: str, folded: str) -> None:
    assert fold(name) == folded


def test_a_joined_name_is_found_by_its_parts_and_as_one() -> None:
    assert words_of("D’Amico", "Jean-Pierre") == ["damico", "jeanpierre", "d", "amico", "jean", "pierre"]
    assert typed_words("jean-pierre d'amico") == ["jeanpierre", "damico"]


def test_an_endless_name_has_few_words() -> None:
    assert len(words_of(" ".join(f"w{n}" for n in range(99)))) == 16
    assert words_of("x" * 200) == ["x" * 40]
    assert words_of("…") == []


THIRD_OF_APRIL = {date(1980, 4, 3)}


@pytest.mark.parametrize(
    ("typed", "days"),
    [
        *[
            (typed, THIRD_OF_APRIL)
            for typed in ("1980-04-03", "1980/4/3", "1980.04.03", "3 April 1980", "April 3, 1980")
        ],
        *[(typed, THIRD_OF_APRIL) for typed in ("3 avril 1980", "3 AVR. 1980", "3rd April 1980", "apr 3 1980")],
        ("1er août 1980", {date(1980, 8, 1)}),
        ("3-apr-80", {date(1980, 4, 3), date(2080, 4, 3)}),
        *[
            (typed, {date(1980, 4, 3), date(1980, 3, 4)})
            for typed in ("03/04/1980", "3.4.1980", "3-4-1980", "3 4 1980")
        ],
        ("14/03/1986", {date(1986, 3, 14)}),
        ("03/14/1986", {date(1986, 3, 14)}),
        ("31/12/99", {date(1999, 12, 31), date(2099, 12, 31)}),
    ],
)
def test_a_birth_date_in_any_usual_form(typed: str, days: set[date]) -> None:
    (criterion,) = criteria_of(typed)
    assert {first for first, _last in criterion.born} == days
    assert not criterion.word and not criterion.digits


@pytest.mark.parametrize("typed", ["613-555-0142", "(613) 555-0142", "613 555 0142", "613.555.0142", "6135550142"])
def test_a_number_however_it_is_written(typed: str) -> None:
    assert criteria_of(typed) == [Criterion(digits="6135550142")]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", []),
        ("  ", []),
        ("61", []),
        ("'; --", []),
        ("0142", [Criterion(digits="0142")]),
        ("+1 613", [Criterion(digits="1613")]),
        ("1986", [Criterion(digits="1986", born=((date(1986, 1, 1), date(1986, 12, 31)),))]),
        ("19860314", [Criterion(digits="19860314", born=((date(1986, 3, 14), date(1986, 3, 14)),))]),
        ("٠١٤٢", [Criterion(digits="0142")]),
        ("99999999", [Criterion(digits="99999999")]),
        ("am LEV", [Criterion(word="am"), Criterion(word="lev")]),
        ("Lévesque 0142", [Criterion(digits="0142"), Criterion(word="levesque")]),
        ("lev 14 mars 1986", [Criterion(born=((date(1986, 3, 14), date(1986, 3, 14)),)), Criterion(word="lev")]),
        ("30/02/1980 lev", [Criterion(digits="30021980"), Criterion(word="lev")]),
    ],
)
def test_what_was_typed_is_taken_apart(typed: str, found: list[Criterion]) -> None:
    assert criteria_of(typed) == found


@pytest.mark.parametrize(
    "typed", ["x" * 10_000, "1 " * 5_000, "\0", "٠١٤٢", "a b c d e f g h i j", "1" * 500, "ﷺ" * 300]
)
def test_nothing_typed_is_too_much(typed: str) -> None:
    assert len(criteria_of(typed)) <= MOST_CRITERIA
