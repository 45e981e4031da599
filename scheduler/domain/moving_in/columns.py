"""Which column is which, by its header in English or French."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from scheduler.domain.folding import fold
from scheduler.domain.moving_in.problems import UnusableFile
from scheduler.domain.moving_in.table import column_letter

WHO = {
    "number": "patient number|patient no|patient id|chart number|chart no|chart|file number|mrn|client id|client number"
    "|numéro de patient|numéro du patient|no patient|numéro de dossier|no de dossier|dossier|code patient|numéro|id",
    "given_name": "given name|given names|first name|forename|first|patient first name|prénom|prénoms|prénom du patient",
    "family_name": "family name|last name|surname|last|patient last name|nom de famille|nom",
    "name": "name|full name|patient name|patient|client name|client|nom complet|nom du patient",
    "birth_date": "birth date|date of birth|dob|birthday|born|date de naissance|naissance|ddn|né le|née le|né(e) le",
    "phone": "mobile phone|mobile number|mobile|cell phone|cell|téléphone cellulaire|tél cellulaire|cellulaire|portable"
    "|phone number|phone|primary phone|telephone|telephone number|numéro de téléphone|no de téléphone|tél|home phone"
    "|téléphone maison|téléphone à la maison",
}
PATIENTS = WHO | {
    "language": "language|preferred language|lang|langue|langue préférée|langue de correspondance",
    "cleared": "cleared for ims|cleared|ims cleared|ims clearance|autorisé pour sim|autorisée pour sim|candidat sim"
    "|admissible au sim|sim autorisée",
}
VISITS = WHO | {
    "date": "date|visit date|appointment date|day|jour|date de visite|date de la visite|date du rendez-vous|date du rdv"
    "|date de rendez-vous|start date|date de début",
    "time": "time|start time|appointment time|visit time|heure|heure de début|heure du rendez-vous|heure du rdv",
    "start": "start|starts at|starts|begins|date and time|datetime|date et heure|début|start date and time",
    "minutes": "minutes|duration|duration minutes|duration min|length|durée|durée minutes|durée min|durée en minutes",
    "treatment": "treatment|service|visit type|appointment type|type|traitement|soin|type de visite"
    "|type de rendez-vous|type de rdv",
    "practitioner": "practitioner|provider|therapist|physiotherapist|physio|clinician|staff|staff member|praticien"
    "|praticienne|physiothérapeute|thérapeute|intervenant|intervenante|professionnel|clinicien",
    "room": "room|salle|local",
    "status": "status|state|outcome|statut|état",
    "ims_given": "ims given|ims done|needled|sim donnée|sim fait|sim faite",
}
FIELDS = MappingProxyType({"patients": PATIENTS, "visits": VISITS})
NEEDED = MappingProxyType(
    {
        "patients": (("family_name", "name"), ("given_name", "name")),
        "visits": (
            ("number", "name", "family_name"),
            ("date", "start"),
            ("time", "start"),
            ("treatment",),
            ("practitioner",),
        ),
    }
)

_SMALL = frozenset("of the de du d la le l s".split())


@dataclass(frozen=True, slots=True)
class Meaning:
    """`places`: field → place of its column. `unclear`: field → the columns of one header, of which one must be chosen."""

    places: dict[str, int]
    unclear: dict[str, tuple[int, ...]]


def guess(what: str, header: Sequence[str], chosen: Mapping[str, str] | None = None) -> Meaning:
    """`chosen`: field → header or letter of the column, empty for none, instead of the guess.

    Of several headers for one field the likeliest wins: a mobile number before one at home.
    """
    places: dict[str, int] = {}
    unclear: dict[str, tuple[int, ...]] = {}
    plain = [_plain(name) for name in header]
    for field, words in FIELDS[what].items():
        for word in words.split("|"):
            alike = tuple(place for place, name in enumerate(plain) if name == _plain(word))
            if alike and alike[0] not in places.values():
                places[field] = alike[0]
                if len(alike) > 1:
                    unclear[field] = alike
                break
    for field, name in (chosen or {}).items():
        if field not in FIELDS[what]:
            raise UnusableFile("no_such_field", field)
        places.pop(field, None)
        unclear.pop(field, None)
        if name:
            places[field] = _place_of(name, header)
    return Meaning({field: place for field, place in places.items() if field not in unclear}, unclear)


def require_needed(what: str, meaning: Meaning, header: Sequence[str]) -> None:
    for places in meaning.unclear.values():
        letters = ", ".join(column_letter(place) for place in places)
        raise UnusableFile("column_twice", header[places[0]], letters)
    missing = [" / ".join(fields) for fields in NEEDED[what] if not any(one in meaning.places for one in fields)]
    if missing:
        raise UnusableFile("missing_columns", ", ".join(dict.fromkeys(missing)))


def _place_of(name: str, header: Sequence[str]) -> int:
    alike = [place for place, one in enumerate(header) if one == name]
    if len(alike) > 1:
        raise UnusableFile("column_twice", name, ", ".join(column_letter(place) for place in alike))
    if alike:
        return alike[0]
    for place in range(len(header)):
        if column_letter(place) == name.upper():
            return place
    raise UnusableFile("no_such_column", name)


def _plain(header: str) -> str:
    """ "No. de dossier" is "no dossier"."""
    words = "".join(sign if sign.isalnum() else " " for sign in fold(header)).split()
    return " ".join(word for word in words if word not in _SMALL)
