"""Who changes something: goes into every history line, and decides which courtesies (not which rules) apply."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """`ident`: a patient's phone-account id, a staff user name, a token's name, or the job's name.

    `address`: of the machine it came from, for the audit log alone.
    """

    kind: Literal["patient", "staff", "token", "system"]
    ident: str
    address: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.kind}:{self.ident}"

    @property
    def is_patient(self) -> bool:
        return self.kind == "patient"

    @property
    def keeps_to_offer(self) -> bool:
        """Patients and programs book what is offered (lead time, horizon) and change it until the cut-off.

        The desk may bend these courtesies; the rules themselves bind everybody.
        """
        return self.kind in ("patient", "token")
