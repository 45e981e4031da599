"""Settings from the environment, validated: a wrong one stops the start with one clear line."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from phonenumbers import SUPPORTED_REGIONS

from scheduler import clock, private_files
from scheduler.demo.staff import DEMO_USERNAMES
from scheduler.domain.clinic import setting_fields, web_address
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.models.engine import require_readable

INSTANCE = Path(__file__).parent / "instance"  # unless INSTANCE_DIR says otherwise


CLINIC_VARIABLES = {
    "name": "CLINIC_NAME",
    "phone": "CLINIC_PHONE",
    "address": "CLINIC_ADDRESS",
    "zone": "CLINIC_TIMEZONE",
    "province": "CLINIC_PROVINCE",
    "languages": "CLINIC_LANGUAGES",
    "lead_minutes": "LEAD_MINUTES",
    "horizon_days": "HORIZON_DAYS",
    "cutoff_hours": "CHANGE_CUTOFF_HOURS",
    "hold_minutes": "HOLD_MINUTES",
    "reminder_days": "REMINDER_DAYS",
    "quiet_from": "QUIET_HOURS from",
    "quiet_until": "QUIET_HOURS until",
    "retention_years": "RETENTION_YEARS",
    "sms_parts_monthly": "SMS_SEGMENTS_MONTHLY",
    "code_parts_monthly": "CODE_SEGMENTS_MONTHLY",
}


DATABASE_URLS = "sqlite:///FILE or postgresql://USER@HOST/NAME"


class ConfigError(SystemExit):
    """Exits with the line that says what to mend."""


class Config:
    """What create_app reads; upper-case attributes become Flask's configuration."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self.HOST = self._host()
        self.PORT = self._number("PORT", 8000, 1, 65535)
        self.CLINIC = self._clinic()
        self.PUBLIC_URL = self.CLINIC.public_url
        self.INSTANCE_DIR = self._instance_dir()
        self.PUBLIC_URL_GIVEN = bool(self._text("PUBLIC_URL", ""))
        self.EXTRA_HOSTS = self._extra_hosts()
        self.HSTS_SUBDOMAINS = self._one_of("HSTS_SUBDOMAINS", "off", ("on", "off")) == "on"
        self.DATABASE_URL = self._database_url()
        self.SMS = self._sms()
        self.SECRET_KEY = self._secret_key()
        self.SECRET_KEY_FALLBACKS = self._old_secret_keys()
        self.WTF_CSRF_SECRET_KEY = [*reversed(self.SECRET_KEY_FALLBACKS), self.SECRET_KEY]
        self.TRUSTED_PROXIES = self._number("TRUSTED_PROXIES", 0, 0, 10)
        self.METRICS_TOKEN = self._metrics_token()
        self.PHONE_COUNTRIES = self._phone_countries()
        self.LOG_FORMAT = self._one_of("LOG_FORMAT", "json", ("json", "text"))
        # A clinic with a real Twilio account must not find demo patients in its empty database.
        real_texts = bool(self.SMS) and not self.SMS["api_origin"]
        self.DEMO = self._one_of("DEMO", "off" if real_texts else "on", ("on", "off")) == "on"
        self.WITHOUT_SECOND_STEP = DEMO_USERNAMES if self.DEMO else frozenset()
        self.SMS_CONCURRENCY = self._number("SMS_CONCURRENCY", 8, 1, 128)
        self.SMS_PER_SECOND = self._number("SMS_PER_SECOND", 1, 0, 5000)
        self.SMS_BODIES_DAYS = self._number("SMS_BODIES_DAYS", 90, 1, 36_500)
        self.CODES_PER_DAY = self._number("CODES_PER_DAY", 500, 1, 100_000)
        self.DESK_IDLE_MINUTES = self._number("DESK_IDLE_MINUTES", 30, 1, 720)
        local = urlsplit(self.PUBLIC_URL).scheme == "http"
        self.SESSION_COOKIE_SECURE = not local
        self.SESSION_COOKIE_HTTPONLY = True
        self.SESSION_COOKIE_SAMESITE = "Lax"
        self.SESSION_COOKIE_NAME = "clinic" if local else "__Host-clinic"
        self.PERMANENT_SESSION_LIFETIME = 60 * 60 * 24 * 30
        self.MAX_CONTENT_LENGTH = 1_000_000

    def _clinic(self) -> ClinicSettings:
        """Where the settings page has its own word, that goes over this one (scheduler/serving/live_settings.py)."""
        quiet = self._text("QUIET_HOURS", "21:00-08:00").split("-")
        if len(quiet) != 2:
            raise ConfigError("QUIET_HOURS: like 21:00-08:00")
        typed = {"QUIET_HOURS from": quiet[0], "QUIET_HOURS until": quiet[1]}
        values: dict[str, Any] = {"public_url": self._public_url()}
        for name, variable in CLINIC_VARIABLES.items():
            field = setting_fields.FIELDS[name]
            text = typed.get(variable) or self._text(variable, field.show(getattr(ClinicSettings(), name)))
            try:
                values[name] = field.read(text.strip())
            except setting_fields.BadSetting as bad:
                raise ConfigError(f"{variable}: {bad} Not {text!r}.") from None
        try:
            clock.require_zone_data()
            clock.zone(values["zone"])
        except (ValueError, KeyError, RuntimeError) as error:
            raise ConfigError(f"CLINIC_TIMEZONE: {error}") from None
        return ClinicSettings(**values)

    def _host(self) -> str:
        """What is listened on; an IPv6 address with or without brackets."""
        try:
            return web_address.read_host(self._text("HOST", "127.0.0.1")).strip("[]")
        except web_address.BadAddress as bad:
            raise ConfigError(f"HOST: an address or name to listen on, like 127.0.0.1 or ::; {bad}") from None

    def _public_url(self) -> str:
        typed = self._text("PUBLIC_URL", "")
        try:
            return web_address.read_origin(typed) if typed else web_address.origin_of(self.HOST, self.PORT)
        except web_address.BadAddress as bad:
            raise ConfigError(f"PUBLIC_URL: an address like https://book.example.ca, without a path; {bad}") from None

    def _extra_hosts(self) -> frozenset[str]:
        typed = self._text("EXTRA_HOSTS", "")
        try:
            return frozenset(web_address.read_host(host) for host in typed.split(",") if typed)
        except web_address.BadAddress as bad:
            raise ConfigError(f"EXTRA_HOSTS: hosts with commas between them, without ports; {bad}") from None

    def _instance_dir(self) -> Path:
        """Where everything that we write is: the database, the key, uploaded files."""
        folder = Path(self._text("INSTANCE_DIR", str(INSTANCE))).expanduser()
        if not folder.is_absolute():
            raise ConfigError(f"INSTANCE_DIR: a folder's whole path, like /var/lib/clinic; not {str(folder)!r}")
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"INSTANCE_DIR: {folder} is no folder")
        return folder

    def _make_instance(self) -> None:
        try:
            private_files.make_folder(self.INSTANCE_DIR)
        except OSError as error:
            raise ConfigError(f"INSTANCE_DIR: {self.INSTANCE_DIR} cannot be made ({error.strerror})") from None
        if not os.access(self.INSTANCE_DIR, os.W_OK | os.X_OK):
            raise ConfigError(f"INSTANCE_DIR: {self.INSTANCE_DIR} cannot be written to")

    def _database_url(self) -> str:
        url = self._text("DATABASE_URL", "")
        in_instance = url.startswith("sqlite:///") and not url.startswith(
            ("sqlite:////", "sqlite:///:", "sqlite:///file:")
        )
        if not url or in_instance:  # there a relative name is looked for
            self._make_instance()
        if not url:
            return f"sqlite:///{self.INSTANCE_DIR / 'clinic.sqlite'}"
        if not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://", "postgres://")):
            raise ConfigError(f"DATABASE_URL: {DATABASE_URLS}")
        try:
            require_readable(url)
        except ValueError:  # its words may hold the password
            raise ConfigError(f"DATABASE_URL: {DATABASE_URLS}; this one cannot be read") from None
        return url

    def _sms(self) -> dict[str, str]:
        """Twilio's settings, whole; or nothing, which means the outbox."""
        names = ("ACCOUNT_SID", "AUTH_TOKEN", "FROM", "MESSAGING_SERVICE_SID", "API_ORIGIN")
        found = {name.lower(): self._text(f"TWILIO_{name}", "") for name in names}
        if found["api_origin"]:
            found["api_origin"] = self._api_origin(found["api_origin"])
        if not any(found[name] for name in ("account_sid", "auth_token", "from", "messaging_service_sid")):
            return {}
        if not (found["account_sid"] and found["auth_token"]):
            raise ConfigError("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN: both are needed, or none")
        if bool(found["from"]) == bool(found["messaging_service_sid"]):
            raise ConfigError("TWILIO_FROM or TWILIO_MESSAGING_SERVICE_SID: exactly one of the two is needed")
        if not found["api_origin"] and not self.PUBLIC_URL.startswith("https://"):
            raise ConfigError("PUBLIC_URL: Twilio reports deliveries to it, so it must be a public https:// address")
        return found

    def _api_origin(self, typed: str) -> str:
        try:
            return web_address.read_origin(typed)
        except web_address.BadAddress as bad:
            raise ConfigError(
                f"TWILIO_API_ORIGIN: an address like http://127.0.0.1:8010, without a path; {bad}"
            ) from None

    def _phone_countries(self) -> tuple[str, ...]:
        countries = tuple(self._text("PHONE_COUNTRIES", "CA,US").upper().replace(" ", "").split(","))
        if not set(countries) <= SUPPORTED_REGIONS:
            raise ConfigError("PHONE_COUNTRIES: codes of two letters, with commas between them, like CA,US")
        return countries

    def _secret_key(self) -> str:
        key = self._text("SECRET_KEY", "")
        if key:
            if len(key) < 16:
                raise ConfigError("SECRET_KEY: at least 16 characters; make one with: openssl rand -hex 32")
            return key
        if self.SMS:
            raise ConfigError("SECRET_KEY: needed as soon as Twilio is set; make one with: openssl rand -hex 32")
        self._make_instance()
        return _kept_secret_key(self.INSTANCE_DIR / "secret_key")

    def _old_secret_keys(self) -> list[str]:
        """The last one first."""
        keys = [key.strip() for key in self._text("SECRET_KEY_OLD", "").split(",") if key.strip()]
        if any(len(key) < 16 for key in keys):
            raise ConfigError(
                "SECRET_KEY_OLD: earlier values of SECRET_KEY, with commas between them; one is too short"
            )
        return [key for key in keys if key != self.SECRET_KEY]

    def _metrics_token(self) -> str:
        token = self._text("METRICS_TOKEN", "")
        if token and (len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token):
            raise ConfigError("METRICS_TOKEN: at least 16 characters, no spaces; make one with: openssl rand -hex 32")
        return token

    def _text(self, name: str, fallback: str) -> str:
        return self._environ.get(name, "").strip() or fallback

    def _number(self, name: str, fallback: int, least: int, most: int) -> int:
        text = self._text(name, str(fallback))
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ConfigError(f"{name}: a whole number from {least} to {most}; not {text!r}")
        return int(text)

    def _one_of(self, name: str, fallback: str, allowed: tuple[str, ...]) -> str:
        text = self._text(name, fallback)
        if text not in allowed:
            raise ConfigError(f"{name}: {' or '.join(allowed)}; not {text!r}")
        return text


def _kept_secret_key(path: Path) -> str:
    """The demo's own key, made once and readable by its owner alone."""
    private_files.make_folder(path.parent)
    try:
        with open(path, "x", opener=private_files.opener) as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return path.read_text().strip()
