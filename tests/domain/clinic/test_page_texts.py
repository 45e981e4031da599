"""Plain text as a page shows it."""

import pytest

from scheduler.domain.clinic.page_texts import LONGEST, PAGES, Block, blocks, checked
from scheduler.domain.errors import Invalid
from tests.factories import CLINIC


def test_headings_paragraphs_and_lists_are_told_apart() -> None:
    text = "# Who\r\n\r\nTwo lines\nof one paragraph.\n- first\n- second\n\n# What\n<b>{clinic}</b>, {nobody}\n#hash"
    assert blocks(text, CLINIC) == [
        Block("heading", ("Who",)),
        Block("paragraph", ("Two lines of one paragraph.",)),
        Block("list", ("first", "second")),
        Block("heading", ("What",)),
        Block("paragraph", (f"<b>{CLINIC.name}</b>, {{nobody}} #hash",)),
    ]


@pytest.mark.parametrize(
    ("typed", "says"), [(" \n\0", "Write something first."), ("x" * (LONGEST + 1), "This is too long for a page.")]
)
def test_what_will_not_do_is_refused(typed: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(typed)
    assert refused.value.errors == {"body": says}


def test_our_words_stay_what_they_are_when_a_form_sends_them_back() -> None:
    for page in PAGES.values():
        for text in page.values():
            assert checked(text.replace("\n", "\r\n")) == text


def test_both_languages_have_the_same_parts() -> None:
    for page in PAGES.values():
        english, french = ([(block.kind, len(block.lines)) for block in blocks(text, CLINIC)] for text in page.values())
        assert english == french
