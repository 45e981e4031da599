"""Who may open what at the desk: every address, every role, and nobody signed in. A new address needs a line here."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.factories import make_clinic
from tests.web.desk_staff import make_staff, sign_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ROLES = ("receptionist", "practitioner", "owner")
BEFORE_THE_DOOR = ("nobody", *ROLES)
EVERYBODY = ROLES
RECEPTION = ("receptionist", "owner")
CLINICAL = ("practitioner", "owner")
OWNER = ("owner",)

WHO_MAY = {
    BEFORE_THE_DOOR: """
        reception_entrance.enter
        reception_entrance.pass_second_step
        reception_entrance.second_step
        reception_entrance.sign_in
        reception_locked.lock_now
        reception_locked.open_again
        reception_locked.show
    """,
    EVERYBODY: """
        reception_ims.answer
        reception_ims.show
        reception_health.answer
        reception_ims_reviews.answer
        reception_ims_reviews.show
        reception_account.change_password
        reception_account.change_pin
        reception_account.enrol
        reception_account.renew_recovery_codes
        reception_account.second_step
        reception_account.show
        reception_account.sign_out_everywhere
        reception_account.turn_off_second_step
        reception_calendar.days
        reception_calendar.show
        reception_calendar_forbidden.ranges
        reception_day.show
        reception_elsewhere.ask
        reception_elsewhere.record
        reception_elsewhere.take_back
        reception_entrance.leave
        reception_hours.show
        reception_kept_form.discard
        reception_kept_form.show
        reception_patients.show
        reception_protection.ask
        reception_asked_corrections.ask
        reception_asked_corrections.disagree
        reception_protection.open_it
        reception_patients_search.page
        reception_patients_search.search
        reception_sheet.show
        reception_visit.set_status
        reception_visit.show
    """,
    RECEPTION: """
        reception_visit_change.length
        reception_acting.ask
        reception_acting.end
        reception_acting.let
        reception_booking.begin
        reception_booking.find
        reception_booking.new_patient
        reception_booking.register
        reception_booking.save
        reception_booking_free.nearest
        reception_booking_series.dates
        reception_booking_series.plan
        reception_booking_series.save
        reception_calendar_address.renew
        reception_calls.show
        reception_calls.take_back
        reception_calls.tick_off
        reception_closures.add
        reception_closures.add_holidays
        reception_closures.remove
        reception_closures.show
        reception_displaced.ask_all
        reception_displaced.show
        reception_figures.show
        reception_hours_change.add_time_off
        reception_hours_change.add_weekly
        reception_hours_change.end
        reception_hours_change.one_day
        reception_hours_change.remove_time_off
        reception_identity.give
        reception_identity.refuse
        reception_identity.show
        reception_inbox.again
        reception_lock_box.arrange
        reception_lock_box.lift
        reception_lock_box.place
        reception_inbox.answer
        reception_inbox.read
        reception_inbox.show
        reception_inbox.thread
        reception_inbox.wrong_number
        reception_merging.ask
        reception_merging.merge
        reception_merging.preview
        reception_outbox.figures
        reception_outbox.show
        reception_patients_edit.edit
        reception_patients_edit.save
        reception_records.export
        reception_records.printed
        reception_records.record
        reception_text_agreements.say
        reception_visit_change.cancel
        reception_visit_change.move
        reception_visit_change.note
        reception_visit_change.private
        reception_visit_change.room
        reception_wrong_numbers.lift
    """,
    CLINICAL: """
        reception_clearance.clear
        reception_clearance.take_back
        reception_corrections.answer
        reception_corrections.show
    """,
    OWNER: """
        reception_openings.note_seen
        reception_openings.openings
        reception_imports.upload
        reception_imports.show
        reception_imports.run
        reception_imports.remarks
        reception_imports.export
        reception_imports.begin
        reception_imports.take_back
        reception_audit.show
        reception_audit_far.show
        reception_breaches.record
        reception_breaches.show
        reception_audit_lists.show
        reception_restriction.ask
        reception_restriction.release
        reception_restriction.restrict
        reception_settings.change
        reception_settings.show
        reception_settings_computers.register
        reception_settings_computers.revoke
        reception_settings_computers.show
        reception_settings_rows.add
        reception_settings_rows.change
        reception_settings_rows.new
        reception_settings_rows.one
        reception_settings_rows.show
        reception_settings_staff.add
        reception_settings_staff.change
        reception_settings_staff.let_in_today
        reception_settings_staff.new
        reception_settings_staff.one
        reception_settings_staff.reset_password
        reception_settings_staff.reset_second_step
        reception_settings_staff.show
        reception_settings_texts.back_to_ours
        reception_settings_texts.change
        reception_settings_texts.one
        reception_retention.show reception_retention.look reception_retention.blank reception_retention.hold
    reception_retention.lift reception_settings_pages.show reception_settings_pages.one reception_settings_pages.change
    reception_settings_pages.back_to_ours reception_settings_texts.show
        reception_settings_tokens.make
        reception_settings_tokens.revoke
        reception_settings_tokens.show
    """,
}


def addresses(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and a path: with an id that is nobody's, for the door comes before the search."""
    for rule in app.url_map.iter_rules():
        if rule.rule == "/desk" or rule.rule.startswith("/desk/"):
            path = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
            path = re.sub(r"<int[^>]*>", "2000000000", path)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule.endpoint, method, re.sub(r"<[^>]+>", "nobodys", path)


def test_every_address_of_the_desk_lets_in_whom_the_table_says_and_nobody_else(app: Flask, session: Session) -> None:
    table = {endpoint: who for who, endpoints in WHO_MAY.items() for endpoint in endpoints.split()}
    found = list(addresses(app))
    assert {endpoint for endpoint, _method, _path in found} == set(table)
    make_clinic(session)
    make_staff(session, *ROLES)
    for role in ("nobody", *ROLES):
        client = app.test_client()
        if role != "nobody":
            sign_in(client, session, role)
        for endpoint, method, path in found:
            answer = client.open(path, method=method)
            to_sign_in = answer.status_code == 303 and answer.location.startswith("/desk/sign-in")
            let_in = answer.status_code != 403 and (not to_sign_in or table[endpoint] == BEFORE_THE_DOOR)
            assert let_in == (role in table[endpoint]), f"{role}: {method} {path} {answer.status_code}"
            assert answer.status_code < 500, f"{role}: {method} {path} {answer.status_code}"
