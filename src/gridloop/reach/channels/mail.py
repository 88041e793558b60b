"""A message as a mail (RFC 5322), with one-click unsubscription (RFC 8058)."""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from gridloop.reach.channels.channel import Message


@dataclass(frozen=True, slots=True)
class Envelope:
    """What mails of one channel have in common.

    Attributes:
        sender: address they come from.
        name: what the sender is called.
        reply_to: address that answers go to; the sender when None.
        test_recipient: when set, every mail goes there and to nobody else.
    """

    sender: str
    name: str
    reply_to: str | None = None
    test_recipient: str | None = None


def mail_of(message: Message, envelope: Envelope) -> EmailMessage:
    """The mail of one message.

    With a test recipient the customer's address stands nowhere in it, and the subject says that it is a test.

    Raises:
        ValueError: the address is none that a mail can go to.
    """
    test = envelope.test_recipient is not None
    mail = EmailMessage(policy=SMTP)
    domain = envelope.sender.rpartition("@")[2]
    mail["From"] = Address(envelope.name, addr_spec=envelope.sender)
    mail["To"] = Address(addr_spec=checked_address(envelope.test_recipient or message.address))
    if envelope.reply_to is not None:
        mail["Reply-To"] = Address(addr_spec=envelope.reply_to)
    mail["Subject"] = f"[test] {message.subject}" if test else message.subject
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.message_id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    links = [f"<{link}>" for link in (message.unsubscribe_url, message.unsubscribe_mailto) if link]
    if links:
        mail["List-Unsubscribe"] = ", ".join(links)
    if message.unsubscribe_url:
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["Content-Language"] = message.language
    mail.set_content(message.text + "\n", cte=_encoding(message.text))
    if message.html is not None:
        mail.add_alternative(message.html + "\n", subtype="html", cte=_encoding(message.html))
    return mail


def _encoding(text: str) -> str:
    """One that every server carries, whatever the length of the lines."""
    return "quoted-printable" if text.isascii() else "base64"


def checked_address(address: str) -> str:
    """The address, if a mail can go to it. Raises ValueError otherwise, without telling it."""
    local, _, domain = address.rpartition("@")
    plain = address.isascii() and address.isprintable() and not set(address) & set(" <>,;:\"'()[]\\")
    if not (plain and local and domain):
        raise ValueError("no address that a mail can go to")
    return address
