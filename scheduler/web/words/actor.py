"""Who did something, in words."""

from collections.abc import Mapping

from flask_babel import gettext as _

from scheduler.usecases.staff.sign_in_audit import UNKNOWN


def actor_words(actor: str | None, names: Mapping[str, str]) -> str:
    """ "staff:priya" by the name in `names`; a program by its token's name."""
    kind, _colon, ident = (actor or "").partition(":")
    if ident == UNKNOWN:
        return str(_("somebody unknown"))
    if kind == "staff":
        return names.get(actor or "", ident)
    if kind == "token":
        return str(_("the program “%(name)s”", name=ident))
    if kind == "patient":
        return str(_("the patient"))
    return str(_("the service itself"))
