"""Processes that work for another one: they end with it, however it ends."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

PARENT = """
import os, time
from tasks import processes

if __name__ == "__main__":
    with processes.pool(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(600)
"""


ENGINE = """
import time
import psutil
from tasks.inference.engine import EnginePlacement, TeacherSpec
from tasks.inference.offline import OfflineEngine

if __name__ == "__main__":
    engine = OfflineEngine(TeacherSpec(), EnginePlacement())
    print("engine", *(child.pid for child in psutil.Process().children()), flush=True)
    time.sleep(600)
"""


def test_a_killed_parent_leaves_no_worker_behind(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    with subprocess.Popen(
        [sys.executable, tmp_path / "parent.py"], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        assert worker.ppid() == parent.pid != os.getpid()
        parent.kill()
    worker.wait(30)


@pytest.mark.vllm
def test_a_killed_parent_leaves_no_engine_and_its_memory_behind(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(ENGINE)
    with subprocess.Popen(
        [sys.executable, tmp_path / "parent.py"], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        told = next(line for line in parent.stdout if line.startswith("engine "))
        children = [psutil.Process(int(number)) for number in told.split()[1:]]
        assert any("EngineCore" in child.cmdline()[0] for child in children)
        parent.kill()
        _, left = psutil.wait_procs(children, timeout=30)
    assert left == []


def test_a_script_without_a_main_guard_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    body = (
        "from tasks.processes import pool\nwith pool(1) as p:\n    print(list(p.map(abs, [-1])))\n"
    )
    script.write_text(body)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert "UnguardedScript" in done.stderr.splitlines()[-1]
    assert "if __name__ == '__main__':" in done.stderr.splitlines()[-1]
    indented = body.replace("\n", "\n    ")
    script.write_text(f"if __name__ == '__main__':\n    {indented}\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.stdout == "[1]\n", done.stderr
