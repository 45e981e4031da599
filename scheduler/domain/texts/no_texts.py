"""Why no text about a visit goes to its patient."""

from enum import StrEnum


class NoTexts(StrEnum):
    """Also kept as the reason of a reminder that was not sent. The first that holds is the one that is named."""

    RESTRICTED = "restricted"
    NO_NUMBER = "no number"
    OPTED_OUT = "opted out"
    UNREACHABLE = "number unreachable"
    NOT_TO_A_PARENT = "not shown to a parent"
    WRONG_NUMBER = "wrong number"
