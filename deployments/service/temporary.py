"""The temporary Prefect server of a command, for use without a configured server.

Prefect can start one too, but in the terminal's process group: Ctrl-C would end it before the run,
and it would outlive a killed command. This one starts while the recipe is checked, gets no Ctrl-C,
and ends with the process that started it.
"""

import atexit
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from deployments.prefect_compat import SERVER_APP, TEMPORARY_SERVER
from tasks.errors import ServerUnreachable

API = "PREFECT_API_URL"
OWN = {"PREFECT_UI_ENABLED": "0", **TEMPORARY_SERVER}
"""Settings of the temporary server."""
START_SECONDS = 120.0
"""Longest wait for the server's first answer."""
PR_SET_PDEATHSIG = 1
"""Option of Linux' prctl: the signal for a process whose parent ends."""


class Temporary:
    """A temporary server that is starting or running."""

    def __init__(self, port: int) -> None:
        self._health = f"http://127.0.0.1:{port}/api/health"
        command = [
            sys.executable,
            "-m",
            "deployments.service.temporary",
            str(port),
            str(os.getpid()),
        ]
        without = {name: value for name, value in os.environ.items() if name != API}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  open as long as the server runs
        self._process = subprocess.Popen(
            command,
            env=without | OWN,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            process_group=0,
        )
        atexit.register(self.stop)

    def ready(self) -> None:
        """Return when the server answers. Raises ServerUnreachable if it ends or takes too long."""
        import httpx

        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(self._health).status_code == 200:
                    return
            time.sleep(0.05)
        code = self._process.poll()
        fault = f"did not start within {START_SECONDS:.0f} s"
        if code is not None:
            fault = f"ended with exit code {code}: {self._last_error()}"
        raise ServerUnreachable(f"Prefect's temporary server {fault}")

    def _last_error(self) -> str:
        """Return the last line of the server's log that names an error."""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()
        named = [line.strip() for line in lines if "Error" in line]
        return named[-1] if named else "its log has no error"

    def stop(self) -> None:
        """End the server."""
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def begin() -> Temporary | None:
    """Start a server and put its address into the environment; return the server.

    Returns None if the environment or Prefect's profile already names a server. Call it before
    Prefect is imported, because Prefect then reads the address.
    """
    if os.environ.get(API) or _profile_names_server() or "prefect" in sys.modules:
        return None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = Temporary(port)
    os.environ[API] = f"http://127.0.0.1:{port}/api"
    return server


def _profile_names_server() -> bool:
    """Return whether the active profile of Prefect names a server."""
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    path = Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml")
    try:
        profiles = tomllib.loads(path.read_text())
        name = os.environ.get("PREFECT_PROFILE") or profiles.get("active", "ephemeral")
        return API in profiles.get("profiles", {}).get(name, {})
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def _end_with(parent: int) -> None:
    """Make the kernel kill this process when its parent ends, for whatever reason (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def main() -> None:
    """Run the server: `python -m deployments.service.temporary PORT PARENT_PROCESS`."""
    _end_with(int(sys.argv[2]))
    import uvicorn
    from prefect.settings import PREFECT_HOME

    from deployments.service.home import take_turns_by_default

    PREFECT_HOME.value().mkdir(parents=True, exist_ok=True)
    take_turns_by_default()

    uvicorn.run(
        SERVER_APP,
        factory=True,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="error",
        lifespan="on",
    )


if __name__ == "__main__":
    main()
