"""The clinic's own pages: what the owner has to say to everybody, first of all about privacy."""

from flask import Blueprint, render_template
from flask_babel import get_locale

from scheduler.domain.clinic.page_texts import blocks
from scheduler.extensions import clinic_settings, db
from scheduler.queries.clinic.page_texts import page_text
from scheduler.web import page_context
from scheduler.web.access import declare

blueprint = Blueprint("pages", __name__)
declare(blueprint, "public")
page_context.install(blueprint)


@blueprint.get("/privacy")
def privacy() -> str:
    language = str(get_locale())[:2]
    with db.engine.connect() as connection:
        text = page_text(connection, "privacy", language)
    return render_template("patient/clinic/privacy.html", blocks=blocks(text, clinic_settings()))
