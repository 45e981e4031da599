"""Settings: a wrong one stops the start with one clear line that names it."""

from datetime import time

import pytest

from config import Config, ConfigError

TWILIO = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t", "TWILIO_FROM": "+16135550100"}
PUBLIC = {"PUBLIC_URL": "https://book.example.ca", "SECRET_KEY": "k" * 32}


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"PORT": "http"}, "PORT"),
        ({"PORT": "70000"}, "PORT"),
        ({"PUBLIC_URL": "book.example.ca"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "https://example.ca/book"}, "PUBLIC_URL"),
        *(
            ({"PUBLIC_URL": url}, "PUBLIC_URL: an address like https://book.example.ca")
            for url in ("http://[::1", "https://b.ca:99999", "https://u:p@b.ca", "https://b .ca", "https://b.ca#x")
        ),
        ({"HOST": "not a host"}, "HOST"),
        ({"HOST": "127.0.0.1:8000"}, "HOST"),
        ({"HOST": "[::"}, "HOST"),
        ({"EXTRA_HOSTS": "[::1"}, "EXTRA_HOSTS"),
        ({"EXTRA_HOSTS": "book.example.ca, no host"}, "EXTRA_HOSTS"),
        ({"EXTRA_HOSTS": "https://book.example.ca"}, "EXTRA_HOSTS"),
        ({"HSTS_SUBDOMAINS": "yes"}, "HSTS_SUBDOMAINS"),
        ({"CODE_SEGMENTS_MONTHLY": "-5"}, "CODE_SEGMENTS_MONTHLY"),
        ({"DATABASE_URL": "mysql://localhost/x"}, "DATABASE_URL"),
        *(
            ({"DATABASE_URL": url}, "DATABASE_URL: sqlite:///FILE or postgresql://USER@HOST/NAME")
            for url in (
                *("postgresql://[::1", "postgresql://u:hunter2@[::1/x", "postgres://h:port/x", "postgresql://h:/x"),
                *("sqlite://///", "sqlite:///file:x?uri=perhaps"),
            )
        ),
        *(
            ({**TWILIO, **PUBLIC, "TWILIO_API_ORIGIN": url}, "TWILIO_API_ORIGIN: an address like")
            for url in ("http://[::1", "api.twilio.com", "https://x:99999", "https://x:abc", "https://u:hunter2@x")
        ),
        ({"CLINIC_TIMEZONE": "America/Gotham"}, "CLINIC_TIMEZONE"),
        ({"REMINDER_DAYS": "3,soon"}, "REMINDER_DAYS"),
        ({"REMINDER_DAYS": "0"}, "REMINDER_DAYS"),
        ({"QUIET_HOURS": "night"}, "QUIET_HOURS"),
        ({"LEAD_MINUTES": "-1"}, "LEAD_MINUTES"),
        ({"DEMO": "maybe"}, "DEMO"),
        ({"CLINIC_PHONE": "notaphone"}, "CLINIC_PHONE"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"PHONE_COUNTRIES": "CA,Canada"}, "PHONE_COUNTRIES"),
        ({"TWILIO_ACCOUNT_SID": "AC1", **PUBLIC}, "TWILIO_AUTH_TOKEN"),
        ({**TWILIO, "TWILIO_FROM": "", **PUBLIC}, "TWILIO_FROM"),
        ({**TWILIO, "TWILIO_MESSAGING_SERVICE_SID": "MG1", **PUBLIC}, "TWILIO_FROM"),
        ({**TWILIO, "PUBLIC_URL": "https://book.example.ca"}, "SECRET_KEY"),
        ({**TWILIO, "SECRET_KEY": "k" * 32}, "PUBLIC_URL"),
    ],
)
def test_a_wrong_setting_is_named(environ: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError) as stopped:
        Config(environ)
    assert named in str(stopped.value)
    assert "\n" not in str(stopped.value) and "hunter2" not in str(stopped.value)


def test_nothing_set_is_the_demo_on_this_machine() -> None:
    config = Config({})
    assert config.PUBLIC_URL == "http://127.0.0.1:8000"
    assert config.DATABASE_URL.startswith("sqlite:///")
    assert config.SMS == {}
    assert config.DEMO
    assert not config.SESSION_COOKIE_SECURE


def test_the_address_of_what_listens_everywhere_is_one_that_opens() -> None:
    everywhere = "0.0.0.0"  # noqa: S104 - nothing listens in this test
    seen = {host: Config({"HOST": host}) for host in ("::", "[::]", everywhere, "[::1]")}
    assert [config.HOST for config in seen.values()] == ["::", "::", everywhere, "::1"]
    assert [config.PUBLIC_URL for config in seen.values()] == [
        *["http://[::1]:8000"] * 2,
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
    ]


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as stopped:
        Config({"PUBLIC_URL": "https://owner:hunter2@book.example.ca"})
    assert "hunter2" not in str(stopped.value)


def test_a_deployment_says_what_it_means() -> None:
    config = Config({**TWILIO, **PUBLIC, "REMINDER_DAYS": "1, 7", "QUIET_HOURS": "22:30-07:00"})
    assert config.SMS["account_sid"] == "AC1"
    assert config.CLINIC.reminder_days == (7, 1)
    assert (config.CLINIC.quiet_from, config.CLINIC.quiet_until) == (time(22, 30), time(7))
    assert not config.DEMO, "no demo patients where texts really go out"
    assert config.SESSION_COOKIE_SECURE
    assert config.SESSION_COOKIE_NAME == "__Host-clinic"
