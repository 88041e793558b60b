"""A real mail server on loopback, which can be told to answer badly."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from gridloop.engine.workspace import ChannelSettings


@dataclass
class Post:
    """The other side: what arrived, and how it answers.

    Attributes:
        mails: accepted ones, in order.
        recipients: of each.
        answers: step (MAIL, RCPT, DATA, end) to a function of the address or message id that gives a reply, or None.
        hang_up: step at which the connection is cut.
        port: where it listens.
    """

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    answers: dict[str, Callable[[str], str | None]] = field(default_factory=dict)
    hang_up: str | None = None
    logins: list[str] = field(default_factory=list)
    port: int = 0

    def _answer(self, step: str, about: str, server: SMTP) -> str | None:
        if self.hang_up == step:
            self.hang_up = None
            server.transport.close()
            return "421 gone"
        return self.answers.get(step, lambda _: None)(about)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any
    ) -> str:
        """MAIL FROM."""
        envelope.mail_from = address
        return self._answer("MAIL", address, server) or "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any
    ) -> str:
        """RCPT TO."""
        said = self._answer("RCPT", address, server)
        if said is None:
            envelope.rcpt_tos.append(address)
        return said or "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Any, envelope: Envelope
    ) -> str:
        """The end of the mail."""
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        said = self._answer("end", mail["Message-ID"], server)
        if said is None or self.hang_up == "after":
            self.mails.append(mail)
            self.recipients.append(list(envelope.rcpt_tos))
        if self.hang_up == "after":
            self._answer("after", "", server)
        return said or "250 OK"

    def login(
        self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        """AUTH."""
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password == b"right")

    @property
    def message_ids(self) -> list[str]:
        """Message ids without brackets and domain."""
        return [str(mail["Message-ID"])[1:].partition("@")[0] for mail in self.mails]


@pytest.fixture
def new_post() -> Iterator[Callable[..., Post]]:
    """Starts mail servers; ends them after the test."""
    running: list[Controller] = []

    def start(**options: Any) -> Post:
        post = Post()
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        controller = Controller(
            post, hostname="127.0.0.1", port=port, authenticator=post.login, auth_require_tls=False, **options
        )
        controller.start()
        running.append(controller)
        post.port = port
        return post

    yield start
    for controller in running:
        controller.stop(no_assert=True)


@pytest.fixture
def post(new_post: Callable[..., Post]) -> Post:
    """A mail server."""
    return new_post()


@pytest.fixture
def settings_of() -> Callable[..., ChannelSettings]:
    """Settings for a server, with others when given."""

    def make(post: Post, **others: Any) -> ChannelSettings:
        given = {
            "transport": "smtp",
            "host": "127.0.0.1",
            "port": post.port,
            "security": "none",
            "sender": "offers@power.example",
            "unsubscribe_url": "https://power.example/u/",
        }
        return ChannelSettings.model_validate(given | others)

    return make
