"""A terminal that cannot show a sign gets another one instead of ending the program: "…" on a Latin-1 one is "...".

Where a machine's language is older than UTF-8 (fr_CA.ISO-8859-1) Python refuses to print what its encoding lacks.
"""

import codecs
import sys

NEAREST = {"…": "...", "←": "<-", "→": "->", "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "œ": "oe"}
ERRORS = "nearest"


def print_what_it_can() -> None:
    """For the whole process, from now on."""
    codecs.register_error(ERRORS, _nearest)
    for stream in (sys.stdout, sys.stderr):
        if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
            reconfigure(errors=ERRORS)


def _nearest(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_written(sign, error.encoding) for sign in signs), error.end


def _written(sign: str, encoding: str) -> str:
    nearest = NEAREST.get(sign, "")
    return nearest or sign.encode(encoding, "backslashreplace").decode(encoding)
