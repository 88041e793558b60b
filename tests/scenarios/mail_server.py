"""A mail server in a process of its own that notes every mail it takes, one line a mail, before it says so.

    python mail_server.py NOTES

It prints its port, and ends when its input does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope


class Notes:
    """Appends message id and recipient of every mail to a file."""

    def __init__(self, path: str) -> None:
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Any, envelope: Envelope
    ) -> str:
        """Note it, then say that it is taken."""
        head = bytes(envelope.content or b"").partition(b"\r\n\r\n")[0]
        lines = [line for line in head.split(b"\r\n") if line.lower().startswith(b"message-id:")]
        message_id = lines[0].partition(b"<")[2].partition(b"@")[0].decode()
        os.write(self.file, f"{message_id} {envelope.rcpt_tos[0]}\n".encode())
        return "250 OK"


async def serve(path: str) -> None:
    """Serve until the input ends."""
    loop, notes = asyncio.get_running_loop(), Notes(path)
    server = await loop.create_server(lambda: SMTP(notes, hostname="localhost", loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
