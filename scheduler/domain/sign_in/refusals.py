"""A code that does not open anything."""

from datetime import datetime
from typing import ClassVar

from scheduler.domain.errors import TooManyTries


class TooManyWrong(TooManyTries):
    """So many `wrong` codes one after the other that the pauses grow."""

    def __init__(self, again_at: datetime, *, wrong: int) -> None:
        super().__init__(again_at)
        self.wrong = wrong


class CodeWrong(Exception):
    """Not the code that was sent; it may be typed `tries_left` more times."""

    code: ClassVar[str] = "code-wrong"

    def __init__(self, tries_left: int) -> None:
        super().__init__(tries_left)
        self.tries_left = tries_left


class CodeGone(Exception):
    """The code was used, is too old, or was mistyped too often: a new one is needed."""

    code: ClassVar[str] = "code-gone"
