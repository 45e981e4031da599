"""One patient's record as a PDF."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    lines: Sequence[str]


def record_pdf(
    *, head: str, title: str, subtitle: str, sections: Sequence[Section], language: str, made_at: datetime, fonts: Path
) -> bytes:
    """Pages of letter size with numbers; `fonts`: the folder that has DejaVuSans.ttf and DejaVuSans-Bold.ttf."""
    from scheduler.gateways.pdf_pages import Pages  # fpdf takes 25 MB, and a record is printed now and then

    pdf = Pages(head, fonts)
    pdf.set_lang(language)
    pdf.set_title(title)
    pdf.set_creation_date(made_at)
    pdf.add_page()
    pdf.say(title, size=18, bold=True)
    pdf.say(subtitle, size=9)
    for section in sections:
        pdf.ln(3)
        pdf.say(section.title, size=12, bold=True)
        for line in section.lines:
            pdf.say(line, size=10)
    return bytes(pdf.output())
