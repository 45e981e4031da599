"""The clinic and IMS explained, with one clear way on. The demo also says with whose numbers to sign in."""

from collections.abc import Sequence

from flask import Blueprint, current_app, render_template
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from scheduler.demo.people import TOUR, TourPatient
from scheduler.extensions import db
from scheduler.gateways.phone_numbers import display
from scheduler.models import Patient, PhoneAccount
from scheduler.web import page_context
from scheduler.web.access import declare

blueprint = Blueprint("site", __name__)
declare(blueprint, "public")
page_context.install(blueprint)


@blueprint.get("/")
def home() -> str:
    return render_template("patient/clinic/home.html", tour=_tour(), display=display)


def _tour() -> Sequence[TourPatient]:
    """Those of the demo, and only where the demo's own patient is the one on the number."""
    if not current_app.config["DEMO"]:
        return ()
    first = TOUR[0]
    is_here = (
        select(Patient.id)
        .join(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
        .where(PhoneAccount.number == first.number, Patient.family_name == first.family_name)
        .where(Patient.birth_date == first.birth_date)
    )
    try:
        with db.reading.connect() as connection:
            return TOUR if connection.scalar(is_here.limit(1)) is not None else ()
    except OperationalError:  # the page needs no database
        return ()
