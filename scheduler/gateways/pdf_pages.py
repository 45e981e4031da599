"""Pages of letter size with a head, numbers and our font. The only importer of fpdf."""

import logging
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos

MARGIN_MM = 18
LINE_MM = 5.5
FONT = "DejaVu"  # has the letters of every name that a Canadian clinic is likely to meet; others show as boxes
logging.getLogger("fontTools").setLevel(logging.WARNING)
logging.getLogger("fpdf").setLevel(logging.ERROR)  # it says which letters a font has not, and letters are names


class Pages(FPDF):
    def __init__(self, head: str, fonts: Path) -> None:
        super().__init__(format="letter")
        self._head = head
        self.add_font(FONT, "", fonts / "DejaVuSans.ttf")
        self.add_font(FONT, "B", fonts / "DejaVuSans-Bold.ttf")
        self.set_margin(MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=MARGIN_MM)

    def header(self) -> None:
        self.say(self._head, size=8)
        self.ln(4)

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font(FONT, size=8)
        self.cell(0, LINE_MM, str(self.page_no()), align="R")

    def say(self, words: str, *, size: int, bold: bool = False) -> None:
        self.set_font(FONT, "B" if bold else "", size)
        self.multi_cell(0, max(LINE_MM, size * 0.5), words, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
