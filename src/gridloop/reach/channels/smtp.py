"""The channel to a mail server. What it says before it has taken a mail is certain; a line cut after that is not."""

from __future__ import annotations

import ipaddress
import os
import re
import smtplib
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.message import EmailMessage

from gridloop.domain.errors import ServiceMissing, UsageError
from gridloop.engine.workspace import ChannelSettings
from gridloop.reach.channels.channel import Handover, Message, Receipt, Verdict
from gridloop.reach.channels.mail import Envelope, checked_address, mail_of

TIMEOUT_SECONDS = 30
_ENHANCED = re.compile(rb"^\d\.\d{1,3}\.\d{1,3}")


class _Answered(Exception):
    """The server said no to a step, and said it before it had taken the mail."""

    def __init__(self, step: str, code: int, words: bytes) -> None:
        enhanced = _ENHANCED.match(words)
        # The server's own words may name the person: only its codes are kept.
        self.told = f"{code}{' ' + enhanced[0].decode() if enhanced else ''} at {step}"
        self.permanent = code >= 500
        super().__init__(self.told)


class SmtpChannel:
    """Sends mails over one connection (RFC 5321).

    5xx is REFUSED and 4xx DEFERRED at whatever step, for the server has then not taken the mail. A connection that is
    lost from the first byte of the mail on leaves it UNKNOWN: the server may have taken it and its answer been lost.

    Args:
        name: of the channel, `email`.
        settings: server, protection, sender.
        envelope: of every mail.
    """

    transport = "smtp"
    exactly_once = False

    def __init__(self, name: str, settings: ChannelSettings, envelope: Envelope) -> None:
        self.name = name
        self._settings = settings
        self._envelope = envelope
        self._server: smtplib.SMTP | None = None

    @contextmanager
    def open(self) -> Iterator[None]:
        """Connect, protect the connection and log in.

        Raises:
            ServiceMissing: the server does not answer, does not protect the connection or does not let us in.
            UsageError: the settings are not complete.
        """
        _check(self._settings)
        self._connect()
        try:
            yield
        finally:
            if self._server is not None:
                with suppress(smtplib.SMTPException, OSError):
                    self._server.quit()
            self._drop()

    def _connect(self) -> None:
        settings = self._settings
        host = str(settings.host)
        password = _password(settings) if settings.user else ""
        try:
            if settings.security == "tls":
                self._server = smtplib.SMTP_SSL(
                    host, settings.port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
                )
            else:
                self._server = smtplib.SMTP(host, settings.port, timeout=TIMEOUT_SECONDS)
            self._server.ehlo_or_helo_if_needed()
            if settings.security == "starttls":
                self._server.starttls(context=ssl.create_default_context())
                self._server.ehlo_or_helo_if_needed()
            if settings.user:
                self._server.login(settings.user, password)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise ServiceMissing(
                "The mail server cannot be used.",
                evidence={"server": f"{host}:{settings.port}", "reason": _reason(error)},
                ways_out=(
                    "Check [channels.email] in gridloop.toml: host, port, security, user.",
                    "Run the same command again when it is back: nothing is lost or sent twice.",
                ),
            ) from error

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
        self._server = None

    def hand_over(self, message: Message) -> Handover:
        """Send one mail; connects again when the connection was lost before."""
        try:
            mail = mail_of(message, self._envelope)
            recipient = checked_address(self._envelope.test_recipient or message.address)
        except ValueError:
            return Handover(Verdict.REFUSED, "the address is none that a mail can go to")
        if self._server is None:
            self._connect()
        assert self._server is not None
        try:
            self._begin(self._server, message.message_id, recipient)
        except _Answered as answer:
            self._reset()
            return Handover(Verdict.REFUSED if answer.permanent else Verdict.DEFERRED, answer.told)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Handover(Verdict.DEFERRED, f"connection lost before the mail: {_reason(error)}")
        try:
            self._transmit(self._server, mail)
        except _Answered as answer:
            return Handover(Verdict.REFUSED if answer.permanent else Verdict.DEFERRED, answer.told)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Handover(Verdict.UNKNOWN, f"connection lost within the mail: {_reason(error)}")
        except BaseException:
            self._drop()
            raise
        return Handover(Verdict.ACCEPTED)

    def _begin(self, server: smtplib.SMTP, message_id: str, recipient: str) -> None:
        """MAIL, RCPT and DATA up to the server's word that it is ready for the mail."""
        options = [f"ENVID={message_id}", "RET=HDRS"] if server.has_extn("dsn") else []
        code, words = server.mail(self._envelope.sender, options)
        _require(code == 250, "MAIL", code, words)
        code, words = server.rcpt(recipient)
        _require(code in (250, 251), "RCPT", code, words)
        code, words = server.docmd("DATA")
        _require(code == 354, "DATA", code, words)

    def _transmit(self, server: smtplib.SMTP, mail: EmailMessage) -> None:
        """The mail itself, and the server's word that it has taken it."""
        lines = mail.as_bytes().replace(b"\r\n.", b"\r\n..")
        server.send((b"." if lines.startswith(b".") else b"") + lines + b".\r\n")
        code, words = server.getreply()
        _require(code == 250, "end of mail", code, words)

    def _reset(self) -> None:
        if self._server is not None:
            try:
                self._server.rset()
            except (smtplib.SMTPException, OSError):
                self._drop()

    def receipts(self, until: datetime) -> Iterable[Receipt]:
        """Bounces come as mails to the sender: `gridloop campaign receipts --file` takes them in."""
        return ()


def _require(fulfilled: bool, step: str, code: int, words: bytes) -> None:
    if code == -1:
        raise smtplib.SMTPServerDisconnected("no answer")
    if not fulfilled:
        raise _Answered(step, code, words)


def _reason(error: Exception) -> str:
    """The kind of an error and its code, without words that may name a person."""
    code = getattr(error, "smtp_code", None) or getattr(error, "errno", None)
    return type(error).__name__ + (f" {code}" if code else "")


def _password(settings: ChannelSettings) -> str:
    variable = settings.password_variable
    if not variable or variable not in os.environ:
        raise UsageError(
            "The password of the mail server is not there.",
            evidence={"user": "set", "password_variable": variable or "not set"},
            ways_out=("Name an environment variable in `password_variable` and set it.",),
        )
    return os.environ[variable]


def _check(settings: ChannelSettings) -> None:
    if not settings.host or not settings.sender:
        raise UsageError(
            "The settings of the mail server are not complete.",
            evidence={"host": settings.host or "not set", "sender": "set" if settings.sender else "not set"},
            ways_out=("Set `host` and `sender` in [channels.email] of gridloop.toml.",),
        )
    for name in ("sender", "reply_to", "test_recipient"):
        try:
            checked_address(getattr(settings, name) or settings.sender)
        except ValueError as error:
            raise UsageError(f"The setting `channels.email.{name}` is {error}.") from None
    if settings.unsubscribe_url and not settings.unsubscribe_url.startswith("https://"):
        raise UsageError(
            "One-click unsubscription needs an address that begins with https:// (RFC 8058).",
            ways_out=("Change `unsubscribe_url` in [channels.email] of gridloop.toml.",),
        )
    if not (settings.unsubscribe_url or settings.unsubscribe_mailto):
        raise UsageError(
            "A mail needs a way to unsubscribe, and none is set.",
            ways_out=("Set `unsubscribe_url` or `unsubscribe_mailto` in [channels.email] of gridloop.toml.",),
        )
    if settings.security == "none" and not _is_loopback(settings.host):
        raise UsageError(
            'Addresses would travel unprotected: `security = "none"` is for a server on this machine only.',
            evidence={"host": settings.host},
            ways_out=('Set `security` to "starttls" or "tls".',),
        )


def _is_loopback(host: str) -> bool:
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found)
