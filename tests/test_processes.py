"""Processes that work for another one: they end with it, however it ends."""

import os
import subprocess
import sys
from pathlib import Path

import psutil

PARENT = """
import os, time
from tasks import processes

if __name__ == "__main__":
    with processes.pool(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(600)
"""


def test_a_killed_parent_leaves_no_worker_behind(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    with subprocess.Popen([sys.executable, tmp_path / "parent.py"], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        assert worker.ppid() == parent.pid != os.getpid()
        parent.kill()
    worker.wait(30)
