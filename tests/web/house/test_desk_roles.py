"""Who may open what at the desk: every address, every role, and nobody signed in. A new address needs a line here."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.factories import make_clinic
from tests.web.support.desk_staff import make_staff, sign_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ROLES = ("receptionist", "practitioner", "owner")
BEFORE_THE_DOOR = ("nobody", *ROLES)
EVERYBODY = ROLES
RECEPTION = ("receptionist", "owner")
CLINICAL = ("practitioner", "owner")
OWNER = ("owner",)

WHO_MAY = {
    BEFORE_THE_DOOR: """
        desk_entrance.enter
        desk_entrance.pass_second_step
        desk_entrance.second_step
        desk_entrance.sign_in
        desk_locked.lock_now
        desk_locked.open_again
        desk_locked.show
    """,
    EVERYBODY: """
        desk_ims.answer
        desk_ims.show
        desk_health.answer
        desk_ims_reviews.answer
        desk_ims_reviews.show
        desk_account.change_password
        desk_account.change_pin
        desk_account.enrol
        desk_account.renew_recovery_codes
        desk_account.second_step
        desk_account.show
        desk_account.sign_out_everywhere
        desk_account.turn_off_second_step
        desk_calendar.days
        desk_calendar.show
        desk_calendar_forbidden.ranges
        desk_day.show
        desk_elsewhere.ask
        desk_elsewhere.record
        desk_elsewhere.take_back
        desk_entrance.leave
        desk_hours.show
        desk_kept_form.discard
        desk_kept_form.show
        desk_patients.show
        desk_protection.ask
        desk_asked_corrections.ask
        desk_asked_corrections.disagree
        desk_protection.open_it
        desk_patients_search.page
        desk_patients_search.search
        desk_sheet.show
        desk_visit.set_status
        desk_visit.show
    """,
    RECEPTION: """
        desk_visit_change.length
        desk_acting.ask
        desk_acting.end
        desk_acting.let
        desk_booking.begin
        desk_booking.find
        desk_booking.new_patient
        desk_booking.register
        desk_booking.save
        desk_booking_free.nearest
        desk_booking_series.dates
        desk_booking_series.plan
        desk_booking_series.save
        desk_calendar_address.renew
        desk_calls.show
        desk_calls.take_back
        desk_calls.tick_off
        desk_closures.add
        desk_closures.add_holidays
        desk_closures.remove
        desk_closures.show
        desk_displaced.ask_all
        desk_displaced.show
        desk_figures.show
        desk_hours_change.add_time_off
        desk_hours_change.add_weekly
        desk_hours_change.end
        desk_hours_change.one_day
        desk_hours_change.remove_time_off
        desk_identity.give
        desk_identity.refuse
        desk_identity.show
        desk_inbox.again
        desk_lock_box.arrange
        desk_lock_box.lift
        desk_lock_box.place
        desk_inbox.answer
        desk_inbox.read
        desk_inbox.show
        desk_inbox.thread
        desk_inbox.wrong_number
        desk_merging.ask
        desk_merging.merge
        desk_merging.preview
        desk_outbox.figures
        desk_outbox.show
        desk_patients_edit.edit
        desk_patients_edit.save
        desk_records.export
        desk_records.printed
        desk_records.record
        desk_text_agreements.say
        desk_visit_change.cancel
        desk_visit_change.move
        desk_visit_change.note
        desk_visit_change.private
        desk_visit_change.room
        desk_wrong_numbers.lift
    """,
    CLINICAL: """
        desk_clearance.clear
        desk_clearance.take_back
        desk_corrections.answer
        desk_corrections.show
    """,
    OWNER: """
        desk_openings.note_seen
        desk_openings.openings
        desk_imports.upload
        desk_imports.show
        desk_imports.run
        desk_imports.remarks
        desk_imports.export
        desk_imports.begin
        desk_imports.take_back
        desk_audit.show
        desk_audit_far.show
        desk_breaches.record
        desk_breaches.show
        desk_audit_lists.show
        desk_restriction.ask
        desk_restriction.release
        desk_restriction.restrict
        desk_settings.change
        desk_settings.show
        desk_settings_computers.register
        desk_settings_computers.revoke
        desk_settings_computers.show
        desk_settings_rows.add
        desk_settings_rows.change
        desk_settings_rows.new
        desk_settings_rows.one
        desk_settings_rows.show
        desk_settings_staff.add
        desk_settings_staff.change
        desk_settings_staff.let_in_today
        desk_settings_staff.new
        desk_settings_staff.one
        desk_settings_staff.reset_password
        desk_settings_staff.reset_second_step
        desk_settings_staff.show
        desk_settings_texts.back_to_ours
        desk_settings_texts.change
        desk_settings_texts.one
        desk_retention.show desk_retention.look desk_retention.blank desk_retention.hold
    desk_retention.lift desk_settings_pages.show desk_settings_pages.one desk_settings_pages.change
    desk_settings_pages.back_to_ours desk_settings_texts.show
        desk_settings_tokens.make
        desk_settings_tokens.revoke
        desk_settings_tokens.show
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
