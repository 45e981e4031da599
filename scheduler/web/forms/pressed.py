"""A form with a button for yes and one for no."""

from flask import request

from scheduler.domain.errors import Invalid


def pressed_yes(name: str) -> bool:
    """Refuses with Invalid when neither was pressed: what nobody has said is not a no."""
    said = request.form.get(name)
    if said not in ("yes", "no"):
        raise Invalid({name: "Choose one of the two answers."})
    return said == "yes"
