"""The reports, in a browser: what the mill wrote for reading, behind the same password as the Prefect UI, on loopback."""

import secrets
from base64 import b64decode
from binascii import Error as NotBase64
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.store import MANIFEST

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

STAGES = ("corpus", "audits", "answers", "tensors", "data_docs", "promoted", "measurements")
"""What may be looked at: no journal, no weights."""
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
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' data:; connect-src 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def application(root: Path, secret: str) -> Any:
    """Return the ASGI application that serves the reports below root to whoever knows the secret, `user:password`."""
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
    """Return the file a path names, if it is a report that lies below root; links that lead out of it do not."""
    if "\0" in path:
        return None
    found = (root / path).resolve()
    below = found.relative_to(root.resolve()).parts if found.is_relative_to(root.resolve()) else ()
    return (
        found
        if below and below[0] in STAGES and found.suffix in SUFFIXES and found.is_file()
        else None
    )


def made_at(page: Path) -> datetime | None:
    """Return when the table was finished that a page belongs to; None for a page of no table."""
    manifest = page.with_name(MANIFEST)
    return datetime.fromtimestamp(manifest.stat().st_mtime, UTC) if manifest.is_file() else None


def dated(text: str, made: datetime) -> str:
    """Return a page with the time of its making below its heading.

    A table is the same bytes whenever it is made, so its pages hold no date; the one who serves
    them knows it.
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
    """Serve until told to stop: `python -m flows.service.pages`, on the port behind the server's, settings from the environment."""
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
