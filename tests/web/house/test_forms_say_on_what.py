"""Every form that changes a visit carries the version that it shows."""

import re
from pathlib import Path

import pytest

from scheduler import create_app

TEMPLATES = Path(create_app.__code__.co_filename).parent.parent / "templates"
ABOUT_A_VISIT = re.compile(r"desk_visit(_change)?\.\w+|(me|visit_link)\.(cancel|move|confirm)")
FORM = re.compile(r"<form\b[^>]*method=\"post\".*?</form>", re.DOTALL)


def forms_about_visits() -> list[tuple[str, str]]:
    """Those with the address of a visit, and those of a visit's own page, which need none."""
    found = []
    for path in sorted(TEMPLATES.rglob("*.html")):
        own = path.relative_to(TEMPLATES).as_posix() in ("patient/visits/cancel.html", "patient/visits/move.html")
        page = path.read_text()
        token = re.search(r"{% macro token\(\) %}(.*?){% endmacro %}", page)
        for number, form in enumerate(FORM.findall(page.replace("{{ token() }}", token[1] if token else ""))):
            if own or ABOUT_A_VISIT.search(form.split(">", 1)[0]):
                found.append((f"{path.relative_to(TEMPLATES)} {number}", form))
    return found


@pytest.mark.parametrize(
    "form", [form for _name, form in forms_about_visits()], ids=[n for n, _f in forms_about_visits()]
)
def test_a_form_about_a_visit_says_of_which_version(form: str) -> None:
    assert 'name="version"' in form or "version" in form.split(">", 1)[0]


def test_there_are_such_forms() -> None:
    assert len(forms_about_visits()) >= 12
