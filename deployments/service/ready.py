"""Waits until the server of the environment answers: what systemd and compose start before a
worker. `python -m deployments.service.ready`.
"""

import os
import sys
import time

from deployments.service.server import STARTUP_SECONDS, Api


def main() -> None:
    """Return when the server is there; exit with a sentence when it is not within three minutes."""
    deadline = time.monotonic() + STARTUP_SECONDS
    with Api(os.environ) as api:
        while not api.healthy():
            if time.monotonic() > deadline:
                sys.exit(
                    f"no Prefect server at {os.environ['PREFECT_API_URL']} after {STARTUP_SECONDS:.0f} s"
                )
            time.sleep(0.5)


if __name__ == "__main__":
    main()
