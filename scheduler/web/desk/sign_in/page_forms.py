"""The forms of a rendered page that change something, read from its HTML: which fields they have, and where their tags stand."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import accumulate
from urllib.parse import urljoin, urlsplit

from markupsafe import Markup

FIELDS = ("input", "select", "option", "textarea", "button", "details")


@dataclass
class Tag:
    """`begin`, `end`: of the start tag in the page; `closes`: where a textarea's end tag begins."""

    name: str
    attributes: dict[str, str | None]
    begin: int
    end: int
    closes: int = 0

    @property
    def field(self) -> str:
        return self.attributes.get("name") or ""

    @property
    def value(self) -> str:
        return self.attributes.get("value") or ""

    def with_attribute(self, name: str, value: str | None) -> str:
        """The tag with the attribute; None: without it."""
        others = {each: words for each, words in self.attributes.items() if each != name}
        if value is not None:
            others[name] = value
        words = Markup("").join(Markup(' {}="{}"').format(each, given or "") for each, given in others.items())
        return f"<{self.name}{words}>"


@dataclass
class PageForm:
    """`tags`: its fields in the page's order, and every details that it stands in or has in it."""

    id: str
    address: str
    tags: list[Tag] = field(default_factory=list)

    def goes_to(self, path: str) -> bool:
        """Itself, or one of its buttons; whatever the query is."""
        addresses = [self.address, *(tag.attributes.get("formaction") or "" for tag in self.tags)]
        return urlsplit(path).path in [urlsplit(each).path for each in addresses]


class PageForms(HTMLParser):
    """`forms`, in order; `main`: where the page's own part begins, None where it has none."""

    def __init__(self, page: str, address: str) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self.main: int | None = None
        self._address = address
        self._lines = list(
            accumulate((len(line) for line in page.split("\n")), lambda at, size: at + size + 1, initial=0)
        )
        self._open: list[Tag] = []
        self._form: PageForm | None = None
        self._of_others: list[tuple[str, Tag]] = []
        self.feed(page)
        for form_id, tag in self._of_others:
            for form in self.forms:
                if form.id == form_id:
                    form.tags.append(tag)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        begin, given = self._at(), dict(attrs)
        found = Tag(tag, given, begin, begin + len(self.get_starttag_text() or ""))
        if tag == "main":
            self.main = begin
        if tag == "form" and given.get("method") == "post":
            address = given.get("action") or given.get("hx-post") or self._address
            self._form = PageForm(given.get("id") or "", urljoin(self._address, address), [*self._open])
            self.forms.append(self._form)
        elif tag in FIELDS and given.get("form"):
            self._of_others.append((given["form"] or "", found))
        elif tag in FIELDS and self._form:
            self._form.tags.append(found)
        if tag in ("details", "textarea"):
            self._open.append(found)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if self._open and tag == self._open[-1].name:
            self._open.pop().closes = self._at()

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column
