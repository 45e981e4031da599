"""The encoding of a file: UTF-8 shows itself; of the others nobody can be sure, and so a person chooses."""

from __future__ import annotations

import codecs
import re
from types import MappingProxyType

from scheduler.domain.moving_in.problems import UnusableFile

CODECS = MappingProxyType({"utf-8": "utf-8-sig", "windows-1252": "cp1252", "mac-roman": "mac_roman", "cp850": "cp850"})
"""What is offered, and what Python calls it."""
NAMES = MappingProxyType(
    {"utf-8": "UTF-8", "windows-1252": "Windows-1252", "mac-roman": "Mac Roman", "cp850": "CP850 (DOS)"}
)
UNREADABLE = "\ufffd"  # stands for a byte that means nothing in the encoding

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def decoded(data: bytes, chosen: str | None = None) -> str:
    """Refuses what is no text; what needs a choice (`choose_encoding`); and UTF-8 with a wrong byte (`stray_byte`).

    UTF-16 with its mark is what Excel calls Unicode text.
    """
    require_text(data)
    if data.startswith(_UTF16):
        return _utf16(data)
    if chosen not in (None, "utf-8") and not data.startswith(codecs.BOM_UTF8):
        return data.decode(CODECS[chosen], errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    if chosen == "utf-8" or is_mostly_utf8(data):
        raise UnusableFile("stray_byte")
    raise UnusableFile("choose_encoding")


def is_mostly_utf8(data: bytes) -> bool:
    """In no other encoding do letters happen to make sequences of UTF-8: one for each wrong byte is enough."""
    if data.startswith(codecs.BOM_UTF8):
        return True
    whole = _SEQUENCE.findall(data)
    return bool(whole) and len(whole) >= _wrong_bytes(data)


def with_wrong_bytes_marked(data: bytes) -> str:
    """UTF-8 with U+FFFD where a byte is wrong."""
    return data.decode("utf-8-sig", errors="replace")


def is_read_alike(data: bytes) -> bool:
    """Whether every encoding reads the same of it, so that there is nothing to choose."""
    return data.isascii() or data.startswith(_UTF16)


def require_text(data: bytes) -> None:
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UnusableFile("excel")
    if b"\0" in data and not data.startswith(_UTF16):
        raise UnusableFile("binary")


def _wrong_bytes(data: bytes) -> int:
    rest = _SEQUENCE.sub(b"", data)
    return len(rest) - len(rest.translate(None, delete=bytes(range(0x80, 0x100))))


def _utf16(data: bytes) -> str:
    try:
        return data.decode("utf-16")
    except UnicodeDecodeError:
        raise UnusableFile("binary") from None
