"""A real vLLM OpenAI server with the pocket teacher's weights, on CPU, in processes of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tasks.inference.models import POCKET
from tests.support.mills import free_port

NAME = "teacher"
STARTUP_SECONDS = 300
ARGUMENTS = (
    "--dtype",
    "bfloat16",
    "--max-model-len",
    "1024",
    "--max-num-seqs",
    "16",
    "--seed",
    "0",
    "--load-format",
    "safetensors",
    "--enforce-eager",
    "--no-enable-chunked-prefill",
    "--no-enable-prefix-caching",
    "--max-num-batched-tokens",
    "16384",
    "--generation-config",
    "vllm",
)
QUIET = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    "VLLM_HOST_IP": "127.0.0.1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
}


class VllmServer:
    """A server that starts; `wait` returns its address."""

    def __init__(self, folder: Path, *more: str) -> None:
        self._port, self._log = free_port(), folder / "server.log"
        folder.mkdir(parents=True, exist_ok=True)
        self._command = [
            sys.executable,
            "-m",
            "vllm.entrypoints.openai.api_server",
            "--model",
            str(POCKET),
            "--served-model-name",
            NAME,
            "--host",
            "127.0.0.1",
            "--port",
            str(self._port),
            *ARGUMENTS,
            *more,
        ]
        self.start()

    def start(self) -> None:
        """Start the server, again after its end: on the same port."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, **QUIET},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def wait(self) -> str:
        """Return the base URL once the server answers."""
        deadline = time.monotonic() + STARTUP_SECONDS
        while not self._healthy():
            assert self._process.poll() is None, self._log.read_text()[-3000:]
            assert time.monotonic() < deadline, self._log.read_text()[-3000:]
            time.sleep(0.5)
        return f"http://127.0.0.1:{self._port}/v1"

    def end(self) -> None:
        """Kill the server and its engine: while it starts it does not heed SIGTERM."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/health", timeout=5) as seen:
                return bool(seen.status == 200)
        except OSError:
            return False


@contextlib.contextmanager
def serving(folder: Path, *several: tuple[str, ...]) -> Iterator[list[str]]:
    """Yield the base URLs of servers with these further arguments, started side by side."""
    servers: list[VllmServer] = []
    try:
        for number, more in enumerate(several):
            servers.append(VllmServer(folder / str(number), *more))
        yield [server.wait() for server in servers]
    finally:
        for server in servers:
            server.end()
