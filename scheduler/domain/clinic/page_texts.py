"""What the clinic's own pages say: our words in English and French, and where the owner has put others, those.

Plain text. An empty line ends a paragraph; a line that begins with "# " is a heading; lines that begin with "- " are a list.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import Invalid

LONGEST = 20_000
LANGUAGES = ("en", "fr")

PRIVACY_EN = """\
# Who is responsible

{clinic} is responsible for what is kept here about you (in Ontario's words: the health information custodian). Write to {address}, or call {phone}.

# What is kept, and for whom

- Your name, birth date, mobile number and language, so that we know who comes and can reach you.
- Your visits, and whether IMS was given, because two IMS visits must be seven days apart.
- Your answers to the health questions before IMS. Your physiotherapist reads them; reception sees that there is something to look at.
- The texts we sent you and those you sent us; when and in which words you agreed to texts.
- Who at the clinic looked at your record, and when.

Findings, treatment and your signed consent are not here. They are in your chart at the clinic.

# Who else sees it

Texts go out through Twilio, a company in the United States. It gets your number and the text: the clinic, a day and a time, and the physiotherapist's first name. It never gets the treatment, a reason or a health answer. We sell nothing and show no advertising.

# How long

- Your record: ten years after your last visit. For somebody under 18: ten years after the 18th birthday.
- What a text said: 90 days. That it was sent stays.
- Sign-in codes, and a booking that you did not finish: one day.

# Your rights

- You may see everything that is kept about you, and have a copy. Ask at the clinic.
- If something is wrong, ask us to correct it: under “My visits”, or at the clinic. We answer within 30 days. If we do not agree, we say why, and you may add your own statement to the record.
- You may ask that your record be protected inside the clinic.
- You may stop texts at any time: reply STOP. Sign-in codes stop with them; reply START to get them again.
- If you are not satisfied, tell us. You may also complain to the Information and Privacy Commissioner of Ontario.
"""

PRIVACY_FR = """\
# Qui est responsable

{clinic} est responsable de ce qui est conservé ici à votre sujet (en Ontario : dépositaire de renseignements sur la santé). Écrivez à {address} ou appelez au {phone}.

# Ce qui est conservé, et pourquoi

- Votre nom, votre date de naissance, votre numéro de cellulaire et votre langue, pour savoir qui vient et pouvoir vous joindre.
- Vos rendez-vous, et si une SIM a été donnée, parce que sept jours doivent séparer deux SIM.
- Vos réponses aux questions de santé avant une SIM. Votre physiothérapeute les lit; la réception voit seulement qu’il y a quelque chose à regarder.
- Les textos que nous vous avons envoyés et ceux que vous nous avez envoyés; quand et en quels termes vous avez accepté les textos.
- Qui, à la clinique, a consulté votre dossier, et quand.

Les observations, le traitement et votre consentement signé ne sont pas ici. Ils sont dans votre dossier clinique.

# Qui d’autre le voit

Les textos passent par Twilio, une entreprise des États-Unis. Elle reçoit votre numéro et le texto : la clinique, un jour et une heure, et le prénom du ou de la physiothérapeute. Elle ne reçoit jamais le traitement, un motif ni une réponse de santé. Nous ne vendons rien et n’affichons aucune publicité.

# Combien de temps

- Votre dossier : dix ans après votre dernier rendez-vous. Pour une personne de moins de 18 ans : dix ans après ses 18 ans.
- Ce que disait un texto : 90 jours. Le fait qu’il a été envoyé reste.
- Les codes de connexion et une réservation non terminée : un jour.

# Vos droits

- Vous pouvez voir tout ce qui est conservé à votre sujet et en recevoir une copie. Demandez à la clinique.
- Si quelque chose est inexact, demandez-nous de le corriger : sous « Mes rendez-vous », ou à la clinique. Nous répondons dans les 30 jours. Si nous ne sommes pas d’accord, nous disons pourquoi, et vous pouvez ajouter votre propre déclaration au dossier.
- Vous pouvez demander que votre dossier soit protégé à l’intérieur de la clinique.
- Vous pouvez arrêter les textos à tout moment : répondez ARRET. Les codes de connexion s’arrêtent aussi; répondez START pour les recevoir de nouveau.
- Si vous n’êtes pas satisfait, dites-le-nous. Vous pouvez aussi porter plainte au Commissaire à l’information et à la protection de la vie privée de l’Ontario.
"""

PAGES: dict[str, dict[str, str]] = {"privacy": {"en": PRIVACY_EN, "fr": PRIVACY_FR}}
"""Page → language → our words."""


@dataclass(frozen=True, slots=True)
class Block:
    """A heading or a paragraph has one line; a list has one for each of its points."""

    kind: Literal["heading", "paragraph", "list"]
    lines: tuple[str, ...]


def blocks(text: str, clinic: ClinicSettings) -> list[Block]:
    """What a page shows, with the clinic's name, number and address filled in."""
    for place, value in (("{clinic}", clinic.name), ("{phone}", clinic.phone), ("{address}", clinic.address)):
        text = text.replace(place, value)
    return [block for part in text.replace("\r\n", "\n").split("\n\n") for block in _blocks_of(part)]


def checked(typed: str) -> str:
    """Refuses with Invalid."""
    text = unicodedata.normalize("NFC", typed.replace("\r\n", "\n").replace("\0", "")).strip() + "\n"
    if not text.strip():
        raise Invalid({"body": "Write something first."})
    if len(text) > LONGEST:
        raise Invalid({"body": "This is too long for a page."})
    return text


def _blocks_of(part: str) -> Iterator[Block]:
    points: list[str] = []
    words: list[str] = []
    for line in (*(line.strip() for line in part.split("\n")), "# "):
        if points and not line.startswith("- "):
            yield Block("list", tuple(points))
            points = []
        if words and line.startswith(("- ", "# ")):
            yield Block("paragraph", (" ".join(words),))
            words = []
        if line.startswith("- "):
            points.append(line[2:].strip())
        elif line.startswith("# "):
            if line[2:].strip():
                yield Block("heading", (line[2:].strip(),))
        elif line:
            words.append(line)
