"""Style, scripts and pictures: served under an address that holds their digest, so that browsers keep them for ever."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

FOREVER = "public, max-age=31536000, immutable"
SMALLEST = 500
"""Bytes from which a file is packed."""
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Assets:
    """All files of a package's folder `static`, held in memory and packed once."""

    def __init__(self, package: str = "gridloop.apps.web") -> None:
        held = dict(sorted(_walk(files(package) / "static")))
        digest = hashlib.sha256()
        for name, content in held.items():
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        self.root = f"/static/{digest.hexdigest()[:12]}"
        self._held = {
            name: (content, gzip.compress(content, 9, mtime=0) if len(content) >= SMALLEST else None)
            for name, content in held.items()
            if not name.endswith((".txt", ".sha256"))
        }

    def address(self, name: str) -> str:
        """Where a file is; scripts find each other beside themselves.

        Raises:
            KeyError: there is none of that name.
        """
        if name not in self._held:
            raise KeyError(f"There is no static file {name!r}.")
        return f"{self.root}/{name}"

    async def serve(self, request: Request) -> Response:
        """The route of all of them."""
        name = request.path_params["name"]
        found = self._held.get(name)
        if found is None or not request.url.path.startswith(f"{self.root}/"):
            return Response("There is no such file.\n", 404, media_type="text/plain")
        plain, packed = found
        ending = f".{name.rpartition('.')[2]}"
        kind = _KINDS.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
        if packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=kind)
        return Response(plain, headers=headers, media_type=kind)


def _walk(folder: Traversable, prefix: str = "") -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for one in folder.iterdir():
        if one.is_dir():
            found += _walk(one, f"{prefix}{one.name}/")
        else:
            found.append((f"{prefix}{one.name}", one.read_bytes()))
    return found
