"""What the clinic's own pages say, and who may change it."""

import re

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import AuditLine
from tests.web.support.desk_staff import make_staff, sign_in, token
from tests.web.support.pages import plain

ENGLISH, FRENCH = {"Accept-Language": "en"}, {"Accept-Language": "fr-CA"}
PAGE = "/desk/settings/pages/privacy"


def test_the_owner_rewrites_the_privacy_page_in_one_language_and_goes_back(
    client: FlaskClient, session: Session
) -> None:
    make_staff(session, "owner")
    sign_in(client, session, "owner")
    before = plain(client.get("/privacy", headers=ENGLISH))
    assert "Information and Privacy Commissioner of Ontario" in before
    page = client.get(f"{PAGE}/en", headers=ENGLISH)
    fields = {"csrf_token": token(page), "seen": re.findall(r'name="seen" value="(\w+)"', page.text)[0]}
    typed = {**fields, "body": "# Ours\n\nDr. <script>Priya</script> keeps it, {phone}."}
    preview = client.post(f"{PAGE}/en", data={**typed, "preview": "yes"}, headers=ENGLISH)
    assert "<h3>Ours</h3>" in preview.text
    assert plain(client.get("/privacy", headers=ENGLISH)) == before, "a preview keeps nothing"
    assert client.post(f"{PAGE}/en", data={**typed, "body": " "}, headers=ENGLISH).status_code == 422
    assert client.post(f"{PAGE}/en", data=typed, headers=ENGLISH).status_code == 303
    shown = client.get("/privacy", headers=ENGLISH).text
    assert "<h2>Ours</h2>" in shown
    assert "Dr. &lt;script&gt;Priya&lt;/script&gt; keeps it, 613-555-0100." in shown
    assert "Qui est responsable" in client.get("/privacy", headers=FRENCH).text
    second = client.post(f"{PAGE}/en", data={**typed, "body": "Another tab"}, headers=ENGLISH)
    assert second.status_code == 409, "it was changed meanwhile"
    page = client.get(f"{PAGE}/en", headers=ENGLISH)
    fields["seen"] = re.findall(r'name="seen" value="(\w+)"', page.text)[0]
    assert client.post(f"{PAGE}/en/ours", data=fields).status_code == 303
    client.get("/?lang=en")
    assert plain(client.get("/privacy", headers=ENGLISH)) == before
    lines = session.scalars(select(AuditLine.details).where(AuditLine.what == "settings.changed")).all()
    assert lines[-1] == "page privacy en: our words again"
    for odd in ("privacy/de", "terms/en"):
        assert client.get(f"/desk/settings/pages/{odd}").status_code == 404


def test_the_privacy_page_is_one_press_away_from_where_health_is_asked_for(client: FlaskClient) -> None:
    assert 'href="/privacy"' in client.get("/").text
    assert client.get("/privacy").headers["Content-Type"].startswith("text/html")
