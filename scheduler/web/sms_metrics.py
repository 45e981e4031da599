"""The state of sending as Prometheus reads it; asked of the database with each scrape, so every process says the same."""

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from scheduler.usecases.texts.sending.status import SmsStatus


def sms_metrics(status: SmsStatus) -> bytes:
    registry = CollectorRegistry()

    def gauge(name: str, words: str, value: float) -> None:
        Gauge(f"clinic_sms_{name}", words, registry=registry).set(value)

    gauge("due", "Texts that may be sent now and are not yet", status.due)
    gauge("oldest_due_seconds", "How long the first of them has waited", status.oldest_due_seconds)
    gauge("attempting", "Attempts under way", status.attempting)
    gauge("in_doubt", "Attempts whose outcome is not known", status.in_doubt)
    gauge("unsettled", "Attempts in doubt that are no longer asked about", status.unsettled)
    gauge("silent", "Texts accepted over four hours ago without a final state", status.silent)
    gauge("early_receipts", "Receipts of texts that are not known yet", status.early_receipts)
    gauge("outages", "Outages of the provider in a row", status.outages)
    gauge("paused_seconds", "For how long the provider is left alone from now on", status.paused_seconds)
    if status.ticked_seconds is not None:
        gauge("scheduler_ticked_seconds", "Since a scheduler last ticked", status.ticked_seconds)
    if status.lag_seconds is not None:
        gauge("callback_lag_seconds", "From our call to the last receipt, median of the newest", status.lag_seconds)
    last_hour = Gauge("clinic_sms_last_hour", "Texts of the last hour", ("status",), registry=registry)
    for state, count in status.last_hour.items():
        last_hour.labels(state).set(count)
    seen = Gauge("clinic_sms_worker_seen_seconds", "Since a worker was last seen", ("worker",), registry=registry)
    for worker, seconds in status.workers.items():
        seen.labels(worker).set(seconds)
    return generate_latest(registry)
