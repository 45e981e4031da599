"""What the desk is told when the month's texts run out."""

from flask import current_app
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import clinic_settings, db
from scheduler.usecases.texts.sending.budget import BudgetState, SmsBudget


def budget_warning() -> BudgetState | None:
    """For the owner from four fifths on; for reception once nothing goes out any more. One sum a minute and process."""
    if not clinic_settings().sms_parts_monthly or current_user.role not in ("receptionist", "owner"):
        return None
    if "sms_budget" not in current_app.extensions:
        current_app.extensions["sms_budget"] = SmsBudget(db.reading, lambda: clinic_settings())
    state: BudgetState = current_app.extensions["sms_budget"].state(clock.now())
    told = state.runs_out if current_user.role == "owner" else state.is_used_up
    return state if told else None
