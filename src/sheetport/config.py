"""Settings, one class per section, read from the environment and the command line.

Every secret setting ``NAME`` is also accepted as ``NAME_FILE``, a path to a file that holds it.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from types import MappingProxyType
from urllib.parse import SplitResult, unquote, urlsplit

from sheetport.kernel.mailboxes import is_address
from sheetport.kernel.rates import Bucket, Rate

DEFAULT_DATA = Path("sheetport-data")
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 4010
MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE
LOG_FORMATS = ("logfmt", "json")
ACCESS_LOGS = ("all", "errors", "off")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


#: The variable of each field of QuotaSettings.
QUOTA_VARIABLES = {
    "rows": "SHEETPORT_LIMIT_ROWS",
    "bytes": "SHEETPORT_LIMIT_BYTES",
    "spaces_a_day": "SHEETPORT_LIMIT_SPACES_A_DAY",
    "streams": "SHEETPORT_LIMIT_STREAMS",
    "embed_hours": "SHEETPORT_EMBED_HOURS",
}


#: How often who may call by default: generous to all but floods. rate_variable() names the variable of each.
DEFAULT_RATES: Mapping[Bucket, Rate] = MappingProxyType(
    {
        Bucket.ADDRESS: Rate(60_000, 60),
        Bucket.ACCOUNT: Rate(60_000, 60),
        Bucket.READS: Rate(24_000, 60),
        Bucket.WRITES: Rate(12_000, 60),
        Bucket.STREAMS: Rate(600, 60),
        Bucket.SIGN_INS: Rate(120, 60),
        Bucket.EXCHANGES: Rate(600, 60),
        Bucket.REVOCATIONS: Rate(60, 60),
        Bucket.EMBEDDED_SPACES: Rate(600, 60),
    }
)
#: No bucket fills more slowly than in a day, or holds more calls than this.
MAX_RATE_SECONDS, MAX_RATE_COUNT = 86_400, 1_000_000_000


class ConfigError(Exception):
    """A setting that cannot be used; the message names it and the fix."""


def secret_setting(name: str) -> str | None:
    """The value of environment variable ``name``, or the text of the file ``name_FILE`` points to."""
    value, path = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if value is not None and path is not None:
        raise ConfigError(f"Set {name} or {name}_FILE, not both.")
    if path is None:
        return value
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise ConfigError(f"{name}_FILE cannot be read: {error.strerror}.") from None


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where data and key lie. ``database_url`` None means SQLite in the data directory.

    ``backups`` is the folder for the backup before an upgrade; None makes none. ``audit_anchor`` is the folder in which
    the audit log is remembered outside the data.
    """

    data: Path = DEFAULT_DATA
    key_file: Path = field(default_factory=lambda: default_key_file(DEFAULT_DATA))
    database_url: str | None = field(default=None, repr=False)
    pool_size: int = 8
    backups: Path | None = None
    audit_anchor: Path | None = None


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Certificate chain and key, as PEM files, and the plain-HTTP port that leads to them."""

    certificate: Path
    key: Path
    redirect_port: int | None = None


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The listening address, who may speak for clients, and the limits of a request.

    ``trusted_proxies`` are believed about the client they forward for; ``metrics_token`` opens ``/metrics`` to
    callers that are not on this machine.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    public_url: str | None = None
    tls: TlsSettings | None = None
    trusted_proxies: tuple[Network, ...] = ()
    metrics_token: str | None = field(default=None, repr=False)
    body_limit: int = 32 * MEBIBYTE
    inflated_limit: int = 256 * MEBIBYTE
    drain_limit: int = 64 * MEBIBYTE

    @property
    def own_url(self) -> str:
        """Where programs on this machine reach this process, without a trailing slash."""
        if self.tls is not None:
            return self.base_url
        local = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host)  # noqa: S104 - not bound here  # nosec B104
        return f"http://{local or (f'[{self.host}]' if ':' in self.host else self.host)}:{self.port}"

    @property
    def base_url(self) -> str:
        """Where clients reach this server, without a trailing slash."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class EventSettings:
    """How events are delivered. A proxy that cuts idle connections sooner needs a shorter hold.

    ``days`` is for how many full days the log is kept.
    """

    hold_seconds: float = 270.0
    days: int = 7


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How log lines look, and which requests have one: all, those that failed or were slow, or none."""

    format: str = "logfmt"
    access: str = "errors"


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """Which of the server processes of this start this is, and the folder by which they find each other."""

    worker: int = 0
    siblings: Path | None = None


@dataclass(frozen=True, slots=True)
class QuotaSettings:
    """What each environment may use unless it has limits of its own; see docs/reference/limits.md.

    ``embed_hours`` is how long a space made by a publishable key waits for something to be submitted.
    """

    rows: int = 10_000_000
    bytes: int = 20 * GIBIBYTE
    spaces_a_day: int = 5_000
    streams: int = 20_000
    embed_hours: int = 24


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The SMTP server that takes our mail; see docs/howto/mail.md.

    ``sender`` is what stands in From. ``implicit_tls`` is TLS from the first byte; else STARTTLS is required
    unless ``plain_allowed``.
    """

    host: str
    port: int
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    implicit_tls: bool = False
    plain_allowed: bool = False


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """How deployed agents are run. ``chain`` is after how many events in a row, each of which agents caused by handling
    the one before, an agent is paused."""

    chain: int = 25


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a server process is told."""

    storage: StorageSettings = field(default_factory=StorageSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    events: EventSettings = field(default_factory=EventSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    process: ProcessSettings = field(default_factory=ProcessSettings)
    rate_limits: bool = True
    #: Whether ``POST /v1/auth`` takes passwords; the pages do in any case.
    password_tokens: bool = True
    #: The public keys of secret-scanning services, as kernel/scanning_keys.py reads them; None takes no matches.
    secret_scanning_keys: str | None = None
    rates: Mapping[Bucket, Rate] = field(default_factory=lambda: DEFAULT_RATES)
    quotas: QuotaSettings = field(default_factory=QuotaSettings)
    #: How many days old keys and tokens may become where the account says nothing; None is any age.
    key_max_age_days: int | None = None
    #: None sends no mail: who invites somebody is given the link to hand over.
    mail: MailSettings | None = None
    #: None runs no agents in this process.
    agents: AgentSettings | None = None


def default_key_file(data: Path) -> Path:
    """Beside the data directory, not in it, so that a copied data directory carries no key."""
    return data.parent / f"{data.name}.key"


def read_settings(
    data: Path | None = None,
    key_file: Path | None = None,
    database_url: str | None = None,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    *,
    tls: TlsSettings | None = None,
    trusted_proxies: str = "",
    logs: LogSettings | None = None,
) -> Settings:
    """Command-line values over environment values over defaults."""
    data = data or Path(os.environ.get("SHEETPORT_DATA", DEFAULT_DATA))
    chosen_key = key_file or Path(os.environ.get("SHEETPORT_KEY_FILE", default_key_file(data)))
    url = database_url or secret_setting("SHEETPORT_DATABASE_URL")
    if url is not None and not url.startswith(("postgresql://", "postgres://")):
        raise ConfigError("--database-url must start with postgresql:// (leave it out for SQLite).")
    return Settings(
        StorageSettings(data, chosen_key, url, backups=_backups(data), audit_anchor=_audit_anchor()),
        HttpSettings(
            host,
            port,
            os.environ.get("SHEETPORT_PUBLIC_URL"),
            tls,
            _networks(trusted_proxies),
            secret_setting("SHEETPORT_METRICS_TOKEN"),
        ),
        EventSettings(_hold_seconds(), _event_days()),
        logs or LogSettings(),
        rate_limits=os.environ.get("SHEETPORT_RATE_LIMITS", "on") != "off",
        password_tokens=os.environ.get("SHEETPORT_PASSWORD_TOKENS", "on") != "off",
        secret_scanning_keys=secret_setting("SHEETPORT_SECRET_SCANNING_KEYS"),
        rates=_rates(),
        quotas=_quotas(),
        key_max_age_days=_key_max_age_days(),
        mail=_mail(),
        agents=_agents(),
    )


def tls_settings(certificate: Path | None, key: Path | None, redirect_port: int | None) -> TlsSettings | None:
    """The three options together, None when TLS is not asked for. Raises ConfigError for half of a pair."""
    if certificate is None and key is None:
        if redirect_port is not None:
            raise ConfigError("--http-redirect-port leads to HTTPS: give --tls-cert and --tls-key too.")
        return None
    if certificate is None or key is None:
        raise ConfigError("Give --tls-cert and --tls-key together, the certificate chain and its key as PEM files.")
    return TlsSettings(certificate, key, redirect_port)


def log_settings(log_format: str, access: str) -> LogSettings:
    """Raises ConfigError for a word that is none of the choices."""
    if log_format not in LOG_FORMATS:
        raise ConfigError(f"--log-format (SHEETPORT_LOG_FORMAT) must be one of {', '.join(LOG_FORMATS)}.")
    if access not in ACCESS_LOGS:
        raise ConfigError(f"--access-log (SHEETPORT_ACCESS_LOG) must be one of {', '.join(ACCESS_LOGS)}.")
    return LogSettings(log_format, access)


def _networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks, separated by commas."""
    found = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(ipaddress.ip_network(word))
        except ValueError:
            raise ConfigError(
                f"--trusted-proxies (SHEETPORT_TRUSTED_PROXIES) holds {word[:60]!r}, which is no address or network; "
                "write 127.0.0.1 or 10.0.0.0/8, separated by commas."
            ) from None
    return tuple(found)


def amount(text: str) -> int:
    """``5000000``, ``5_000_000`` or ``20GiB`` (KiB, MiB, GiB, TiB) as a number. Raises ValueError."""
    digits, unit = text.strip().replace("_", ""), 1
    for power, suffix in enumerate(("KiB", "MiB", "GiB", "TiB"), 1):
        if digits.lower().endswith(suffix.lower()):
            digits, unit = digits[: -len(suffix)].rstrip(), 1024**power
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise ValueError(f"{text[:60]!r} is no number like 5000000 or 20GiB")
    return int(digits) * unit


def _quotas() -> QuotaSettings:
    named = {}
    for setting, name in QUOTA_VARIABLES.items():
        text = os.environ.get(name)
        if text is None:
            continue
        try:
            named[setting] = amount(text)
        except ValueError as error:
            raise ConfigError(f"{name} must be a whole number: {error}.") from None
    if not 1 <= named.get("embed_hours", 1) <= 8_760:
        raise ConfigError("SHEETPORT_EMBED_HOURS must be a whole number from 1 to 8760.")
    return QuotaSettings(**named)


def _mail() -> MailSettings | None:
    """Of SHEETPORT_SMTP_URL, SHEETPORT_MAIL_FROM and SHEETPORT_SMTP_INSECURE. No message repeats the address: it may
    hold a password."""
    text = secret_setting("SHEETPORT_SMTP_URL")
    if not text:
        return None
    url, port = _smtp_url(text)
    sender = os.environ.get("SHEETPORT_MAIL_FROM", "")
    if not is_address(parseaddr(sender)[1]) or not sender.isprintable():
        raise ConfigError(
            "SHEETPORT_MAIL_FROM must be the address that mail comes from, such as 'Imports <imports@example.com>'."
        )
    host, implicit = url.hostname or "", url.scheme == "smtps"
    return MailSettings(
        host,
        port or (465 if implicit else 587),
        sender,
        unquote(url.username) if url.username else None,
        unquote(url.password) if url.password else None,
        implicit,
        not implicit and (_is_loopback(host) or os.environ.get("SHEETPORT_SMTP_INSECURE") == "1"),
    )


def _agents() -> AgentSettings | None:
    """Of SHEETPORT_AGENTS and SHEETPORT_AGENT_CHAIN."""
    if os.environ.get("SHEETPORT_AGENTS", "on") == "off":
        return None
    text = os.environ.get("SHEETPORT_AGENT_CHAIN", "25")
    if not (text.isascii() and text.isdigit()) or not 2 <= int(text) <= 1_000:
        raise ConfigError("SHEETPORT_AGENT_CHAIN must be a whole number from 2 to 1000.")
    return AgentSettings(int(text))


def _smtp_url(text: str) -> tuple[SplitResult, int | None]:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:  # a port that is no number
        url, port = urlsplit(""), None
    if url.scheme not in {"smtp", "smtps"} or not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise ConfigError(
            "SHEETPORT_SMTP_URL must be smtp://USER:PASSWORD@HOST:PORT, or smtps:// for TLS from the first byte; "
            "write reserved characters of the password as %40 and the like."
        )
    return url, port


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def rate_variable(bucket: Bucket) -> str:
    """The variable that sets a bucket's rate."""
    return f"SHEETPORT_RATE_{bucket.upper().replace('-', '_')}"


def _rates() -> Mapping[Bucket, Rate]:
    """The default ones but for those that variables give as COUNT/SECONDS."""
    chosen = dict(DEFAULT_RATES)
    for bucket in Bucket:
        text = os.environ.get(rate_variable(bucket))
        if text is None:
            continue
        count, _, seconds = text.partition("/")
        try:
            rate = Rate(amount(count), amount(seconds))
        except ValueError:
            rate = Rate(0, 0)
        if not (1 <= rate.calls <= MAX_RATE_COUNT and 1 <= rate.seconds <= MAX_RATE_SECONDS):
            raise ConfigError(
                f"{rate_variable(bucket)} must be COUNT/SECONDS, such as 600/60 for 600 calls a minute, with at most"
                f" {MAX_RATE_SECONDS} seconds."
            )
        chosen[bucket] = rate
    return MappingProxyType(chosen)


def _backups(data: Path) -> Path | None:
    """Beside the data directory, by default; the word off makes no backups before upgrades."""
    chosen = os.environ.get("SHEETPORT_BACKUPS", str(data.parent / f"{data.name}.backups"))
    return None if chosen == "off" else Path(chosen)


def _audit_anchor() -> Path | None:
    chosen = os.environ.get("SHEETPORT_AUDIT_ANCHOR")
    if chosen and not Path(chosen).is_dir():
        raise ConfigError(f"SHEETPORT_AUDIT_ANCHOR names {chosen}, which is no folder: make it, outside the data.")
    return Path(chosen) if chosen else None


def _hold_seconds() -> float:
    """How long a poll without news is held: 1 to 280 seconds."""
    text = os.environ.get("SHEETPORT_POLL_SECONDS", "270")
    if not text.isdigit() or not 1 <= int(text) <= 280:
        raise ConfigError("SHEETPORT_POLL_SECONDS must be a whole number from 1 to 280.")
    return float(text)


def _event_days() -> int:
    """For how many full days events are kept: 1 to 30."""
    text = os.environ.get("SHEETPORT_EVENT_DAYS", "7")
    if not text.isdigit() or not 1 <= int(text) <= 30:
        raise ConfigError("SHEETPORT_EVENT_DAYS must be a whole number from 1 to 30.")
    return int(text)


def _key_max_age_days() -> int | None:
    """How old keys may become: 1 to 3650 days, any age when it is not set."""
    text = os.environ.get("SHEETPORT_KEY_MAX_AGE_DAYS")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 3_650:
        raise ConfigError("SHEETPORT_KEY_MAX_AGE_DAYS must be a whole number from 1 to 3650; leave it out for any age.")
    return int(text)
