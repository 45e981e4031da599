"""Who changes something: goes into every history line, and decides which courtesies (not which rules) apply."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """`ident`: a patient's phone-account id, a staff user name, a token's name, or the job's name."""

    kind: Literal["patient", "staff", "token", "system"]
    ident: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.ident}"

    @property
    def is_patient(self) -> bool:
        """Patients keep to lead time, horizon and cut-off; the desk may bend those, but never a rule."""
        return self.kind == "patient"
