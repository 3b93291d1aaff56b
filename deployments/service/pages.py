"""The web server of the reports: on loopback, with the same password as the Prefect UI."""

import json
import secrets
from base64 import b64decode
from binascii import Error as NotBase64
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.manifest import MANIFEST

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

SITES = {"data_docs": "corpus"}
"""Folders with pages of tables, by fingerprint, and the stage of these tables."""
SUFFIXES = {
    ".html",
    ".css",
    ".js",
    ".png",
    ".svg",
    ".jpg",
    ".ico",
    ".woff",
    ".woff2",
    ".md",
    ".json",
}
SAFE = {
    "Content-Security-Policy": (
        "default-src 'self' 'unsafe-inline' data:; connect-src 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def application(root: Path, secret: str) -> Any:
    """Return the ASGI application that serves the reports below root.

    secret: `user:password`, which every request must have.
    """
    from starlette.applications import Starlette
    from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse
    from starlette.routing import Route

    async def page(request: "Request") -> "Response":
        if not _knows(request.headers.get("authorization", ""), secret):
            return PlainTextResponse(
                "log in", 401, headers={"WWW-Authenticate": 'Basic realm="tracemill"'}
            )
        found = readable(root, request.path_params["path"])
        if found is None:
            return PlainTextResponse("there is no such report", 404)
        made = made_at(found) if found.suffix == ".html" else None
        if made is None:
            return FileResponse(found, headers=SAFE)
        return HTMLResponse(dated(found.read_text(encoding="utf-8"), made), headers=SAFE)

    return Starlette(routes=[Route("/{path:path}", page)])


def readable(root: Path, path: str) -> Path | None:
    """Return the file of a path if its table declares it as a page; None for all other files.

    Other files are, for example, weights and journals. A link to a file outside root gives None.
    """
    if "\0" in path:
        return None
    found, within = (root / path).resolve(), root.resolve()
    if not found.is_relative_to(within) or found.suffix not in SUFFIXES or not found.is_file():
        return None
    below = found.relative_to(within).parts
    if len(below) < 3:
        return None
    stage, fingerprint, *name = below
    if stage in SITES:
        return found if (within / SITES[stage] / fingerprint / MANIFEST).is_file() else None
    return found if "/".join(name) in _pages(within / stage / fingerprint) else None


def _pages(table: Path) -> list[str]:
    """Return the files that a finished table declares as pages."""
    try:
        return list(json.loads((table / MANIFEST).read_bytes()).get("pages", []))
    except (OSError, ValueError):
        return []


def made_at(page: Path) -> datetime | None:
    """Return when the table of a page was finished; None for a page without a table."""
    manifest = page.with_name(MANIFEST)
    return datetime.fromtimestamp(manifest.stat().st_mtime, UTC) if manifest.is_file() else None


def dated(text: str, made: datetime) -> str:
    """Return a page with the time when it was made, below its heading.

    The page itself has no date, because a table's files have the same bytes every time.
    """
    return text.replace("</h1>", f"</h1>\n<p>Made on {made:%d %B %Y, %H:%M} UTC</p>", 1)


def _knows(header: str, secret: str) -> bool:
    scheme, _, given = header.partition(" ")
    try:
        return scheme.lower() == "basic" and secrets.compare_digest(
            b64decode(given, validate=True), secret.encode()
        )
    except NotBase64:
        return False


def main() -> None:
    """Serve the reports on the port after the server's: `python -m deployments.service.pages`.

    The settings come from the environment.
    """
    import os

    import uvicorn

    served = application(Path(os.environ["TRACEMILL_ROOT"]), os.environ["PREFECT_API_AUTH_STRING"])
    uvicorn.run(
        served,
        host=os.environ["PREFECT_SERVER_API_HOST"],
        port=int(os.environ["PREFECT_SERVER_API_PORT"]) + 1,
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()
