"""Lines that a report puts around its table: totals, pages, who printed it. They are nobody's record."""

from __future__ import annotations

import re
from collections.abc import Sequence

from scheduler.domain.folding import fold

_AMOUNT = r"[\s\d.,:$%€-]*"
_THINGS = (
    r"(?:patients?|clients?|records?|rows?|visits?|appointments?|entries|lignes?|visites?|rendez-vous|dossiers?|rdv)"
)
_LINE = re.compile(
    rf"(?:(?:grand |sub-?|sous-?)?totau?[lx]s?(?: general)?(?: (?:of |de |des )?\w+){{0,3}}{_AMOUNT}"
    r"|pages?:? \d+(?: ?(?:of|de|sur|/) ?\d+)?"
    r"|(?:generated|printed|exported|created|produced|prepared|genere|imprime|exporte|produit|prepare)e?s?:?"
    r" (?:by|on|at|from|with|par|le|a|de|avec)\b.*"
    r"|(?:report|rapport) (?:date|generated|printed|run|du|imprime|genere)\b.*"
    r"|(?:end of|fin (?:du|de la|de)) (?:report|file|list|data|rapport|fichier|liste)"
    rf"|(?:number|count|nombre) (?:of|de|des) {_THINGS}{_AMOUNT}"
    rf"|\d+ {_THINGS}(?: (?:found|listed|exported|trouves?|exportes?))?"
    r"|confidential\b.*|confidentiel\b.*|copyright\b.*|\(c\) .*|[-=_*. ]+)\.?"
)


def is_report_line(cells: Sequence[str]) -> bool:
    """Never true of a row with more than a few cells filled: "Page" and "Total" may be somebody's name."""
    filled = [cell for cell in cells if cell]
    return 0 < len(filled) <= 4 and _LINE.fullmatch(" ".join(fold(" ".join(filled)).split())) is not None
