"""The short reference on the last page of a booking, to be read out on the telephone: "K7M-2QF".

It stands for the appointment's number, scrambled so that nobody can tell from theirs how many there are. It opens
nothing: who may see a visit is asked elsewhere.
"""

from scheduler.domain.typed_numbers import typed_code

LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # without those that are mistaken for others, by eye or by ear: 0 O 1 I L U
SIZE = len(LETTERS) ** 6
STRIDE = 433_494_437  # a prime, so that every number below SIZE is reached once
BACK = pow(STRIDE, -1, SIZE)


def reference_of(appointment_id: int) -> str:
    rest, letters = appointment_id * STRIDE % SIZE, ""
    for _place in range(6):
        rest, index = divmod(rest, len(LETTERS))
        letters = LETTERS[index] + letters
    return f"{letters[:3]}-{letters[3:]}"


def appointment_of(reference: str) -> int | None:
    """The appointment's number; none when the text cannot be a reference. Spaces, dashes and case don't matter."""
    letters = typed_code(reference[:40]).upper()
    if len(letters) != 6 or any(letter not in LETTERS for letter in letters):
        return None
    number = 0
    for letter in letters:
        number = number * len(LETTERS) + LETTERS.index(letter)
    return number * BACK % SIZE
