"""Secrets that must be read again are kept sealed: who has the database alone reads none of them.

AES-256-GCM under a key derived from SECRET_KEY (HKDF-SHA-256). `whose` is bound into the seal, so that one person's
cannot be put in another's row. Old keys still open; what one of them opened is to be sealed anew.
"""

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEALED = "v1:"  # what does not begin with it was kept in clear, before there were seals
_NONCE = 12


class CannotOpen(Exception):
    """None of the keys opens it: it was sealed under another one, or changed."""


@dataclass(frozen=True, slots=True)
class Opened:
    """`seal_anew`: it was kept in clear, or under an old key."""

    text: str
    seal_anew: bool


class Seals:
    """`keys`: today's first, then the old ones."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._ciphers = [AESGCM(_derived(key)) for key in keys]

    def seal(self, text: str, whose: str) -> str:
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[0].encrypt(nonce, text.encode(), whose.encode())
        return SEALED + base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, kept: str, whose: str) -> Opened:
        """Raises CannotOpen."""
        if not kept.startswith(SEALED):
            return Opened(kept, seal_anew=True)
        try:
            sealed = base64.urlsafe_b64decode(kept.removeprefix(SEALED))
        except ValueError:
            raise CannotOpen from None
        for age, cipher in enumerate(self._ciphers):
            try:
                text = cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], whose.encode()).decode()
            except (InvalidTag, ValueError):
                continue
            return Opened(text, seal_anew=age > 0)
        raise CannotOpen


def _derived(key: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"secrets of the staff's second step").derive(
        key.encode()
    )
