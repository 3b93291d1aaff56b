"""Wait until the Prefect server answers: `python -m deployments.service.ready`.

systemd and compose run it before they start a worker.
"""

import os
import sys
import time

from deployments.service.server import STARTUP_SECONDS, Api


def main() -> None:
    """Return when the server answers; exit with an error after STARTUP_SECONDS."""
    deadline = time.monotonic() + STARTUP_SECONDS
    with Api(os.environ) as api:
        while not api.healthy():
            if time.monotonic() > deadline:
                address = os.environ["PREFECT_API_URL"]
                sys.exit(f"no Prefect server at {address} after {STARTUP_SECONDS:.0f} s")
            time.sleep(0.5)


if __name__ == "__main__":
    main()
