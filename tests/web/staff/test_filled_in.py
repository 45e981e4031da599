"""Putting typed values back into the HTML of a page."""

import pytest

from scheduler.web.desk.sign_in.filled_in import FilledIn, fill_in

TOP = "<html><form method='get' action='/desk/x'><input name=q></form>"


def filled(form: str, *fields: list[str]) -> FilledIn:
    found = fill_in(f"{TOP}<main>{form}</main></html>", "/desk/x", "/desk/x/save?from=list", fields)
    assert found is not None and found.before_main == TOP
    return found


def form(inside: str) -> str:
    return f'<form method="post" action="/desk/x/save#end">{inside}</form>'


def test_what_stands_around_the_form_stays_letter_for_letter() -> None:
    around = "<p title='&amp;'>é &lt; <br/>\n\n<input name=a value=1>"
    found = filled(f"{around}{form('<input name=a>')}{around}", ["a", 'x"<'])
    assert found.main.startswith(f"<main>{around}") and found.main.endswith(f"{around}</main></html>")
    assert '<input name="a" value="x&#34;&lt;">' in found.main
    assert found.is_filled and found.left == []


@pytest.mark.parametrize("kind", ["hidden", "password", "file", "submit"])
def test_what_nobody_typed_stays_as_the_page_has_it(kind: str) -> None:
    own = f'<input type="{kind}" name="a" value="fresh">'
    found = filled(form(own + '<input name="b">'), ["a", "old"], ["b", "typed"])
    assert own in found.main and 'value="typed"' in found.main and found.left == []


def test_fields_of_one_name_take_their_values_in_order() -> None:
    one = '<select name="at"><option value="">none</option><option value="9">9</option></select>'
    found = filled(form(one * 3), ["at", "9"], ["at", ""], ["at", "9"])
    none, nine = '<option value="" selected="">', '<option value="9" selected="">'
    assert [found.main.count(words) for words in (none, nine)] == [1, 2]
    assert found.main.index(none) > found.main.index(nine)


def test_a_choice_that_is_no_longer_offered_is_left_and_the_pages_own_stays() -> None:
    own = '<select name="room"><option value="1" selected>One</option></select>'
    boxes = '<input type="checkbox" name="day" value="mon" checked>'
    found = filled(form(own + boxes), ["room", "2"], ["day", "tue"], ["gone", "words"])
    assert own in found.main and '<input type="checkbox" name="day" value="mon">' in found.main
    assert found.left == [["room", "2"], ["day", "tue"], ["gone", "words"]]


def test_boxes_beside_their_form_belong_to_it() -> None:
    box = '<input type="checkbox" name="who" form="blanking" value="{}">'
    page = f'<form method="post" id="blanking" action="/desk/x/save"></form>{box.format(1)}{box.format(2)}'
    found = filled(page, ["who", "2"])
    assert found.main.count("checked") == 1 and 'value="2" checked=""' in found.main


def test_what_is_folded_around_the_form_is_unfolded_and_nothing_else() -> None:
    other = "<details><summary>Other</summary></details>"
    found = filled(f"{other}<details>{form('<textarea name=a>old</textarea>')}</details>{other}", ["a", "\nnew"])
    assert found.main.count('<details open="">') == 1 and found.main.count(other) == 2
    assert "<textarea name=a>\n\nnew</textarea>" in found.main


def test_a_buttons_own_address_is_its_forms() -> None:
    elsewhere = (
        '<form method="post" action="/desk/y"><input name="a"><button formaction="/desk/x/save">Go</button></form>'
    )
    assert 'value="typed"' in filled(elsewhere, ["a", "typed"]).main


def test_without_the_form_everything_is_left_and_a_button_alone_is_nothing_typed() -> None:
    assert filled("", ["a", "typed"]).left == [["a", "typed"]]
    pressed = filled(form('<button name="status" value="arrived">Arrived</button>'), ["status", "arrived"])
    assert pressed.left == [] and not pressed.is_filled


def test_a_page_without_a_part_of_its_own_is_left_alone() -> None:
    assert fill_in("<p>words</p>", "/desk/x", "/desk/x/save", [["a", "typed"]]) is None
