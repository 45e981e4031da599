"""Everything a page says is said in French as well, as French is written in Canada."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from scheduler.web.desk.texts.wording_words import SENTENCES as WORDING_SENTENCES
from scheduler.web.words.domain_sentences import SENTENCES, SETTING_SENTENCES

ROOT = Path(__file__).resolve().parents[3]
FRENCH = ROOT / "scheduler" / "translations" / "fr" / "LC_MESSAGES" / "messages.po"
SOURCES = [*(ROOT / "scheduler").rglob("*.py"), *(ROOT / "templates").rglob("*.html")]


@pytest.fixture(scope="module")
def french() -> Catalog:
    with FRENCH.open("rb") as file:
        return read_po(file, locale="fr")


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    pot = tmp_path_factory.mktemp("messages") / "messages.pot"
    pybabel = [
        sys.executable,
        "-m",
        "babel.messages.frontend",
        "--quiet",
        "extract",
        "-F",
        "pyproject.toml",
        "-k",
        "_l",
    ]
    subprocess.run([*pybabel, "-o", str(pot), "."], cwd=ROOT, check=True)
    with pot.open("rb") as file:
        return read_po(file)


def words(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def test_nothing_is_untranslated_or_uncertain(extracted: Catalog, french: Catalog) -> None:
    missing = [m.id for m in extracted if m.id and not (french.get(m.id) and all(words(french[m.id])))]
    assert missing == []
    assert [m.id for m in french if m.id and m.fuzzy] == []


def test_nothing_is_translated_that_no_page_says_any_more(extracted: Catalog, french: Catalog) -> None:
    assert [m.id for m in french if m.id and not extracted.get(m.id)] == []
    assert not french.obsolete


def test_every_place_for_a_value_is_kept(french: Catalog) -> None:
    def places(text: str) -> set[str]:
        return set(re.findall(r"%\(\w+\)\w|<[^>]+>", text))

    for message in french:
        if message.id:
            english = [message.id] if isinstance(message.id, str) else list(message.id)
            for asked, said in zip(english, words(message), strict=True):
                assert places(said) == places(asked), message.id


def test_typography_is_canadian(french: Catalog) -> None:
    """A no-break space before a colon and inside « », none before ; ? and !; the curly apostrophe."""
    for message in french:
        for said in words(message) if message.id else ():
            text = re.sub(r"<[^>]+>", "", said)
            assert not re.search(r"\s[;?!]", text), said
            assert not re.search(r"[^\u00a0\d]:(?!\d)", text), said
            assert not re.search(r"«(?!\u00a0)|(?<!\u00a0)»", text), said
            assert "'" not in text, said
            assert not re.search(r"\b(tu|ton|ta|tes|toi)\b", text), said


def test_a_visit_is_a_rendez_vous_and_the_calendar_an_agenda(french: Catalog) -> None:
    other = re.compile(r"\bvisites?\b|\bcalendriers?\b", re.IGNORECASE)
    assert [said for message in french if message.id for said in words(message) if other.search(said)] == []


def test_the_domains_sentences_are_listed_for_the_translators() -> None:
    """Those by which `Invalid` answers, to patients and at the desk."""
    listed = {sentence._args[0] for sentence in SENTENCES}
    spoken = {
        sentence
        for path in [*(ROOT / "scheduler" / "domain").rglob("*.py"), *(ROOT / "scheduler" / "usecases").rglob("*.py")]
        for sentence in _sentences_of_refusals(path)
    }
    assert spoken == listed


def test_the_sentences_of_settings_are_listed_as_well() -> None:
    fields = (ROOT / "scheduler" / "domain" / "clinic" / "setting_fields.py").read_text()
    said = set(re.findall(r'"((?:Type|Choose) [^"]+\.)"', fields))
    assert {sentence._args[0] for sentence in SETTING_SENTENCES} == said


def test_the_sentences_about_texts_are_listed_as_well() -> None:
    wordings = ast.parse((ROOT / "scheduler" / "domain" / "texts/wording.py").read_text())
    said = {
        ast.literal_eval(node.args[0])
        for node in ast.walk(wordings)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "BadWording"
    }
    assert {sentence._args[0] for sentence in WORDING_SENTENCES} == said


def test_no_template_sets_a_colon_of_its_own() -> None:
    """Before it French wants a space that does not break; what only a screen reader says has none."""
    for path in (ROOT / "templates").rglob("*.html"):
        shown = re.sub(r'<span class="sr">.*?</span>|{% trans.*?{% endtrans %}', "", path.read_text())
        assert re.findall(r"(?:\}\}|%\}|</\w+>): .*", shown) == [], path.name


def test_no_message_hides_inside_an_f_string() -> None:
    """The extraction does not look there, so it would stay English."""
    for path in SOURCES:
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                for call in ast.walk(node):
                    called = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id
                    assert called not in ("_", "_l", "gettext", "ngettext"), f"{path.name}:{node.lineno}"


def _sentences_of_refusals(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        values: list[ast.AST] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Invalid":
            values = list(node.args)
        elif isinstance(node, ast.Assign) and "errors" in ast.unparse(node.targets[0]):
            values = [node.value]
        for value in values:
            for part in ast.walk(value):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.endswith("."):
                    found.add(part.value)
    return found
