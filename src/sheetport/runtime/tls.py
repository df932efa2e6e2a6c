"""Looks at certificate and key before anything starts, so that a bad pair is a sentence and not a dead port."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime, timedelta

import structlog
from cryptography import x509

from sheetport.config import ConfigError, TlsSettings

SOON = timedelta(days=14)
_log = structlog.get_logger()


def check_tls(tls: TlsSettings) -> None:
    """Raises ConfigError unless the files can be read, belong together and the key is kept from strangers."""
    try:
        mode = tls.key.stat().st_mode
        chain = x509.load_pem_x509_certificates(tls.certificate.read_bytes())
        tls.key.read_bytes()
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise ConfigError(f"--tls-cert {tls.certificate} holds no certificate in PEM form.") from None
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ConfigError(f"Everybody on this machine can read the key. Run: chmod o= {tls.key}")
    _check_pair(tls)
    ends = chain[0].not_valid_after_utc
    if ends < datetime.now(UTC) + SOON:
        _log.warning("tls.certificate-ends", file=str(tls.certificate), at=ends.isoformat())


def _check_pair(tls: TlsSettings) -> None:
    def ask_password() -> bytes:
        raise ConfigError(f"The key {tls.key} has a password. Give one without: openssl pkey -in KEY -out PLAIN")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, ask_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            reason = f"The key {tls.key} is not that of the certificate {tls.certificate}."
        else:
            reason = f"--tls-key {tls.key} holds no private key in PEM form that can be used ({error.reason})."
        raise ConfigError(reason) from None
