"""Who may ask and what an answer may do: hosts, origins, tokens of forms, and the headers of every answer."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridloop.apps.web.page import mark
from gridloop.domain.errors import NotPermitted

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""The only addresses that the console listens on, and the only names it answers to, until there are accounts."""

FORM_COOKIE = "gridloop_form"
LARGEST_FORM = 64 * 1024
"""Bytes of a form; no form of ours has a tenth of it."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""Of every answer, errors and files included."""


def require_loopback(host: str) -> None:
    """Return when nobody outside this machine can reach an address.

    Raises:
        NotPermitted: somebody could.
    """
    if host not in LOOPBACK:
        raise NotPermitted(
            f"The console may not listen on {host}: there are no accounts yet, "
            "so whoever reaches it could read and approve everything.",
            evidence={"host": host, "permitted": ", ".join(LOOPBACK)},
            ways_out=(
                "Leave --host out; the console then answers on this machine alone.",
                "To look at it from elsewhere, tunnel: ssh -L 8765:127.0.0.1:8765 HOST",
            ),
        )


class Guard:
    """Puts the headers on every answer and turns away a host name that is not ours (DNS rebinding).

    Args:
        app: what it stands before.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        host = Headers(scope=scope).get("host", "")
        if urlsplit(f"//{host}").hostname not in LOOPBACK:
            start = {
                "type": "http.response.start",
                "status": 421,
                "headers": [(b"content-type", b"text/plain")],
            }
            await sealed(start)
            await send({"type": "http.response.body", "body": b"This host name is not served here.\n"})
            return
        await self.app(scope, receive, sealed)


class FormTokens:
    """Tokens that prove that a form came from a page of ours: a keyed digest of a cookie that only we set."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def cookie(self, held: str | None) -> str:
        """The reader's cookie, a new one when there is none."""
        return held if held and len(held) == 32 and held.isalnum() else secrets.token_hex(16)

    def token(self, cookie: str) -> str:
        """What a form of that reader carries."""
        return hmac.new(self._key, cookie.encode(), hashlib.sha256).hexdigest()

    def require(self, headers: Mapping[str, str], cookie: str | None, token: str | None) -> None:
        """Return when a form was sent from a page of ours to its reader.

        Args:
            headers: of the request; Sec-Fetch-Site and Origin tell where it comes from.
            cookie, token: what came with it.

        Raises:
            NotPermitted: it came from elsewhere, or from a page that is older than the program that runs.
        """
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        foreign = (site is not None and site not in ("same-origin", "none")) or (
            origin is not None and urlsplit(origin).netloc != headers.get("host")
        )
        if foreign:
            raise NotPermitted(
                mark("A page of another site asked for this; nothing was done."),
                evidence={"origin": origin or "not told", "site": site or "not told"},
                ways_out=(mark("Open the console itself and do it there."),),
            )
        if not cookie or not token or not hmac.compare_digest(self.token(cookie), token):
            raise NotPermitted(
                mark("The form is older than the console that runs now; nothing was done."),
                ways_out=(mark("Load the page again, look at it, and send the form once more."),),
            )
