"""What an SMS costs: GSM-7 has 160 letters a part, but one letter outside it makes the whole text UCS-2 with 70.

The alphabet is that of 3GPP TS 23.038. It has é è à ù Ç but not ç ê î ô û ë ï œ â È À ’ « ».
"""

import unicodedata

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("^{}\\[~]|€\f")  # sent as an escape and a letter: two septets

_GSM7 = BASIC | EXTENDED
_SINGLE = {True: 160, False: 70}
_JOINED = {True: 153, False: 67}  # each part of a longer text gives room to a header

TYPOGRAPHY = {
    "’": "'",
    "‘": "'",
    "ʼ": "'",
    "ʻ": "'",
    "′": "'",
    "“": '"',
    "”": '"',
    "„": '"',
    "«": '"',
    "»": '"',
    "‐": "-",
    "‑": "-",
    "–": "-",
    "—": "-",
    "−": "-",
    "…": "...",
    "•": "-",
    "\u00a0": " ",
    "\u202f": " ",
    "\u2009": " ",
}
# What has no decomposition into a letter of the alphabet and its accents.
_LETTERS = {
    "œ": "oe",
    "Œ": "OE",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ð": "d",
    "Ð": "D",
    "þ": "th",
    "Þ": "Th",
    "ı": "i",
    "ħ": "h",
    "Ħ": "H",
    "ŧ": "t",
    "Ŧ": "T",
    "ŋ": "ng",
    "Ŋ": "Ng",
    "ə": "e",
    "Ə": "E",
    "ẞ": "SS",
}
_SPELLED = str.maketrans(TYPOGRAPHY | _LETTERS)
_PLAIN_TYPOGRAPHY = str.maketrans(TYPOGRAPHY)


def is_gsm7(text: str) -> bool:
    return _GSM7.issuperset(text)


def segments(text: str) -> int:
    """How many parts are sent and paid; an empty text is one."""
    gsm7 = is_gsm7(text)
    sizes = _septets(text) if gsm7 else _utf16_units(text)
    if sum(sizes) <= _SINGLE[gsm7]:
        return 1
    parts, room = 1, _JOINED[gsm7]
    for size in sizes:
        if size > room:  # an escaped letter, or a pair of UTF-16 units, is never cut in two
            parts, room = parts + 1, _JOINED[gsm7]
        room -= size
    return parts


def spelled_in_gsm7(text: str) -> str | None:
    """The same letters without the accents that GSM-7 lacks ("Zoë Côté" → "Zoe Coté"); None when that cannot be."""
    if is_gsm7(text):
        return text
    spelled = "".join(_spelled(letter) for letter in unicodedata.normalize("NFC", text))
    return spelled if is_gsm7(spelled) else None


def plain_typography(text: str) -> str:
    """Curly quotes, dashes and no-break spaces as a keyboard has them; letters stay."""
    return text.translate(_PLAIN_TYPOGRAPHY)


def dear_letters(text: str) -> str:
    """Those that GSM-7 lacks, each once, in the order of the text."""
    return "".join(letter for letter in dict.fromkeys(text) if letter not in _GSM7)


def _spelled(letter: str) -> str:
    if is_gsm7(letter):
        return letter
    plain = letter.translate(_SPELLED)
    return "".join(part for part in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(part))


def _septets(text: str) -> list[int]:
    return [2 if letter in EXTENDED else 1 for letter in text]


def _utf16_units(text: str) -> list[int]:
    return [2 if ord(letter) > 0xFFFF else 1 for letter in text]
