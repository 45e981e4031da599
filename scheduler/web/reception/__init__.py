"""The desk: who is coming today, and what has been texted."""

from flask import Flask
from flask_login import current_user

from scheduler.extensions import staff_sign_in
from scheduler.web.reception import (
    account,
    audit,
    booking,
    booking_free,
    booking_series,
    budget,
    calendar,
    calendar_address,
    calendar_forbidden,
    calls,
    clearance,
    closures,
    code_notice,
    computers,
    day,
    displaced,
    door,
    elsewhere,
    entrance,
    figures,
    hours,
    identity,
    imports,
    ims,
    ims_reviews,
    inbox,
    kept_form,
    locked,
    merging,
    outbox,
    patients,
    patients_edit,
    patients_search,
    records,
    restriction,
    retention,
    sending_notice,
    settings_clinic,
    settings_computers,
    settings_kinds,
    settings_pages,
    settings_rows,
    settings_staff,
    settings_texts,
    settings_tokens,
    sheet,
    visit,
    visit_change,
    watch,
    wrong_numbers,
)

BLUEPRINTS = (
    entrance.blueprint,
    locked.blueprint,
    settings_clinic.blueprint,
    settings_rows.blueprint,
    settings_pages.blueprint,
    settings_staff.blueprint,
    settings_texts.blueprint,
    settings_tokens.blueprint,
    settings_computers.blueprint,
    account.blueprint,
    kept_form.blueprint,
    calendar.blueprint,
    calendar_forbidden.blueprint,
    watch.blueprint,
    booking.blueprint,
    booking_free.blueprint,
    booking_series.blueprint,
    visit.blueprint,
    visit_change.blueprint,
    day.blueprint,
    inbox.blueprint,
    hours.blueprint,
    hours.changes,
    closures.blueprint,
    displaced.blueprint,
    ims.blueprint,
    ims_reviews.blueprint,
    sheet.blueprint,
    figures.blueprint,
    imports.blueprint,
    outbox.blueprint,
    patients_search.blueprint,
    patients.blueprint,
    patients_edit.blueprint,
    calendar_address.blueprint,
    clearance.blueprint,
    elsewhere.blueprint,
    merging.blueprint,
    records.blueprint,
    restriction.blueprint,
    retention.blueprint,
    wrong_numbers.blueprint,
    identity.blueprint,
    audit.blueprint,
    calls.blueprint,
)

for _blueprint in BLUEPRINTS:
    _blueprint.context_processor(
        lambda: {
            "current_user": current_user,
            "inbox_unread": inbox.unread,
            "budget_warning": budget.budget_warning,
            "code_warning": code_notice.code_warning,
            "ims_reviews_open": ims_reviews.unanswered,
            "kinds_to_settle": settings_kinds.to_settle,
            "sending_warning": sending_notice.sending_warning,
            "locks_after": computers.locks_after,
            "second_step_days": door.days_for_second_step,
        }
    )


def init_app(app: Flask) -> None:
    # The cookie is signed, and a receptionist's address may change in the middle of the day.
    staff_sign_in.session_protection = None
    staff_sign_in.user_loader(door.load_staff)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
