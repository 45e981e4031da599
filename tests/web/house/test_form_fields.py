"""The three boxes of a date, whatever is typed into them."""

from datetime import date

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from wtforms import Form

from scheduler.web.forms.fields import DayMonthYearField

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize("part", ["day", "month", "year"])
@pytest.mark.parametrize("typed", ["9" * 15, "9" * 5000, "0", "-1", "１２３４５", "٣٣", "½", "x", "\x00", "30 "])
def test_no_number_however_long_is_more_than_a_mistake(app: Flask, part: str, typed: str) -> None:
    class Asked(Form):
        born = DayMonthYearField("Born", missing="Missing.", future="Future.", example="14 3 1986")

        def validate_born(self, field: DayMonthYearField) -> None:
            field.read(date(2026, 12, 1))

    boxes = {"day": "14", "month": "3", "year": "1986"} | {part: typed}
    with app.test_request_context():
        form = Asked(MultiDict({f"born_{name}": value for name, value in boxes.items()}))
        assert form.validate() in (True, False)
        assert form.born.data is None or isinstance(form.born.data, date)
