"""Lines that a report puts around its table: totals, pages, who printed it. They are nobody's record."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from scheduler.domain.folding import fold

MOST_CELLS = 4
_AMOUNT = r"[\s\d.,:$%€-]*"
_THINGS = (
    r"(?:patients?|clients?|records?|rows?|visits?|appointments?|entries|lignes?|visites?|rendez-vous|dossiers?|rdv)"
)
_LINE = re.compile(
    r"(?:(?:generated|printed|exported|created|produced|prepared|genere|imprime|exporte|produit|prepare)e?s?:?"
    r" (?:by|on|at|from|with|par|le|a|de|avec)\b.*"
    r"|(?:report|rapport) (?:date|generated|printed|run|imprime|genere)\b.*"
    r"|(?:end of|fin (?:du|de la|de)) (?:report|file|list|data|rapport|fichier|liste)"
    rf"|(?:number|count|nombre) (?:of|de|des) {_THINGS}{_AMOUNT}"
    rf"|\d+ {_THINGS}(?: (?:found|listed|exported|trouves?|exportes?))?"
    r"|\x1a"  # DOS wrote it behind a file
    r"|[-=_*. ]+)\.?"
)
_LINE_OR_NAME = re.compile(
    rf"(?:(?:grand |sub-?|sous-?)?totau?[lx]s?(?: general)?(?: (?:of |de |des )?\w+){{0,3}}{_AMOUNT}"
    r"|pages?:? \d+(?: ?(?:of|de|sur|/) ?\d+)?"
    r"|rapport du\b.*"
    r"|confidential\b.*|confidentiel\b.*|copyright\b.*|\(c\) .*)\.?"
)


def is_report_line(cells: Sequence[str], *, is_somebodys: Callable[[], bool] = lambda: False) -> bool:
    """`is_somebodys`: whether a birth date or a telephone number stands in the column for it. Then "Total" is a name.

    Never true of a row with more than a few cells filled: "Page" and "Total" may be somebody's name.
    """
    filled = [cell for cell in cells if cell]
    if not 0 < len(filled) <= MOST_CELLS:
        return False
    line = " ".join(fold(" ".join(filled)).split())
    return _LINE.fullmatch(line) is not None or (_LINE_OR_NAME.fullmatch(line) is not None and not is_somebodys())
