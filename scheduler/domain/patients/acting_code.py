"""The code by which a patient lets somebody act for them: read out over a telephone, typed on another one."""

import secrets

from scheduler.domain.typed_numbers import typed_code

ALPHABET = "CDFGHJKMNPQRTVWXY34679"
"""No letter that looks like another sign (0 and O, 1 and I and L, 2 and Z, 5 and S, 8 and B), and no vowel, so no words."""
LENGTH = 8


def new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _sign in range(LENGTH))


def shown_code(code: str) -> str:
    """In two halves, which is how it is read out."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def plain_code(typed: str) -> str:
    """As it was made, however it was typed; nothing when it can be no code."""
    code = typed_code(typed[:100]).upper()
    return code if len(code) == LENGTH and all(sign in ALPHABET for sign in code) else ""
