"""A feed's address as each kind of calendar takes it."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from scheduler.domain.clinic.settings import ClinicSettings


@dataclass(frozen=True, slots=True)
class CalendarLinks:
    https: str
    webcal: str
    google: str
    outlook: str


def calendar_links(clinic: ClinicSettings, feed_token: str) -> CalendarLinks:
    address = f"{clinic.public_url}/feeds/{feed_token}.ics"
    webcal = urlsplit(address)._replace(scheme="webcal").geturl()
    name = quote(clinic.name, safe="")
    return CalendarLinks(
        https=address,
        webcal=webcal,
        google=f"https://calendar.google.com/calendar/r?cid={quote(webcal, safe='')}",
        outlook=f"https://outlook.live.com/calendar/0/addfromweb?url={quote(address, safe='')}&name={name}",
    )
