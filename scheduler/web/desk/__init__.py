"""The desk: who is coming today, and what has been texted."""

from flask import Flask
from flask_login import current_user

from scheduler.extensions import staff_sign_in
from scheduler.web.desk import acting_on
from scheduler.web.desk.acting_on import changed, shown_facts
from scheduler.web.desk.booking import booking, free, series
from scheduler.web.desk.calendar import calendar, closures, day, forbidden, hours, sheet, watch
from scheduler.web.desk.clinic import figures, kinds, pages, rows, settings
from scheduler.web.desk.moving_in import imports
from scheduler.web.desk.patients import (
    acting,
    calendar_address,
    clearance,
    edit,
    elsewhere,
    identity,
    merging,
    new_names_notice,
    patients,
    search,
)
from scheduler.web.desk.records import corrections, protection, protection_pages, record, restriction, retention
from scheduler.web.desk.sign_in import computers, door, entrance, kept_form, locked
from scheduler.web.desk.staff import account, audit, audit_far, audit_lists, breaches, clinic_computers, staff, tokens
from scheduler.web.desk.texts import (
    agreements,
    budget_notice,
    calls,
    code_notice,
    inbox,
    outbox,
    sending_notice,
    wordings,
    wrong_numbers,
)
from scheduler.web.desk.visits import change, health_answer, ims, ims_reviews, must_move, visit

BLUEPRINTS = (
    entrance.blueprint,
    locked.blueprint,
    settings.blueprint,
    rows.blueprint,
    pages.blueprint,
    staff.blueprint,
    wordings.blueprint,
    tokens.blueprint,
    clinic_computers.blueprint,
    account.blueprint,
    kept_form.blueprint,
    calendar.blueprint,
    forbidden.blueprint,
    watch.blueprint,
    booking.blueprint,
    free.blueprint,
    series.blueprint,
    visit.blueprint,
    change.blueprint,
    health_answer.blueprint,
    day.blueprint,
    inbox.blueprint,
    hours.blueprint,
    hours.changes,
    closures.blueprint,
    must_move.blueprint,
    ims.blueprint,
    ims_reviews.blueprint,
    sheet.blueprint,
    figures.blueprint,
    imports.blueprint,
    outbox.blueprint,
    search.blueprint,
    patients.blueprint,
    edit.blueprint,
    calendar_address.blueprint,
    clearance.blueprint,
    elsewhere.blueprint,
    merging.blueprint,
    record.blueprint,
    restriction.blueprint,
    protection_pages.blueprint,
    protection_pages.boxes,
    protection_pages.told,
    retention.blueprint,
    wrong_numbers.blueprint,
    agreements.blueprint,
    corrections.blueprint,
    corrections.asks,
    acting.blueprint,
    identity.blueprint,
    audit.blueprint,
    audit_far.blueprint,
    audit_lists.blueprint,
    breaches.blueprint,
    calls.blueprint,
)

for _blueprint in BLUEPRINTS:
    _blueprint.before_request(changed.refuse_changed)
    _blueprint.after_request(kept_form.put_back)
    _blueprint.context_processor(
        lambda: {
            "current_user": current_user,
            "inbox_unread": inbox.unread,
            "budget_warning": budget_notice.budget_warning,
            "code_warning": code_notice.code_warning,
            "new_names_warning": new_names_notice.new_names_warning,
            "ims_reviews_open": ims_reviews.unanswered,
            "corrections_waiting": corrections.waiting,
            "ims_given_open": ims.waiting,
            "kinds_to_settle": kinds.to_settle,
            "unseen_openings": protection.unseen_openings,
            "sending_warning": sending_notice.sending_warning,
            "locks_after": computers.locks_after,
            "second_step_by": door.second_step_by,
            "acts_on": acting_on.shown,
            "facts": shown_facts,
            "wrong_tries": door.wrong_tries,
        }
    )


def init_app(app: Flask) -> None:
    # The cookie is signed, and a receptionist's address may change in the middle of the day.
    staff_sign_in.session_protection = None
    staff_sign_in.user_loader(door.load_staff)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
