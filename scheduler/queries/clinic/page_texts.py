"""What the clinic's own pages say now. Read at each view: they are seldom asked for, and true at once."""

from sqlalchemy import Connection, select

from scheduler.domain.clinic.page_texts import PAGES
from scheduler.domain.errors import NotFound
from scheduler.models import PageText


def page_text(connection: Connection, page: str, language: str) -> str:
    """The owner's words, or ours. Refuses with NotFound."""
    if page not in PAGES or language not in PAGES[page]:
        raise NotFound("page")
    own = connection.scalar(select(PageText.body).where(PageText.page == page, PageText.language == language))
    return own if own is not None else PAGES[page][language]
