"""What whoever starts the demo should try: printed by `flask serve`, told at more length in the README."""

from collections.abc import Iterator

from scheduler.demo.people import NEW_NUMBER, TOUR
from scheduler.demo.staff import DEMO_STAFF, PASSWORD
from scheduler.gateways.phone_numbers import display


def lines(address: str) -> Iterator[str]:
    yield f"The demo clinic. To book, open {address} and sign in with one of these numbers; the code comes up here:"
    for who in TOUR:
        if who.about:
            yield f"  {display(who.number)}  {who.given_name} {who.family_name}: {who.about}"
    yield f"  {display(NEW_NUMBER)}  nobody yet: a new patient"
    names = ", ".join(who.username for who in DEMO_STAFF)
    yield f"The desk: {address}/desk as {names}; password: {PASSWORD}"
