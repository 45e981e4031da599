"""The clinic and IMS explained, with one clear way on."""

from flask import Blueprint, render_template

from scheduler.web import page_context
from scheduler.web.access import declare

blueprint = Blueprint("site", __name__)
declare(blueprint, "public")
page_context.install(blueprint)


@blueprint.get("/")
def home() -> str:
    return render_template("patient/home/home.html")
