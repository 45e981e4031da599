"""A text cannot be sent to this number, or not at this moment."""

from typing import ClassVar


class NotTextable(Exception):
    """The number gets no texts: it has opted out, or cannot be reached."""

    code: ClassVar[str] = "not-textable"


class AnsweredMeanwhile(Exception):
    """A colleague has answered this number since the thread was shown."""

    code: ClassVar[str] = "answered-meanwhile"


class WroteMeanwhile(Exception):
    """Another text has come from this number since the thread was shown."""

    code: ClassVar[str] = "wrote-meanwhile"
