"""The sandbox of programs that a model wrote: what it runs, and what it stops."""

import os
import socket
import threading
from pathlib import Path

import pytest

from tasks.chains import sandbox
from tasks.chains.sandbox import Limits, ran

SHORT = Limits(seconds=1, memory_mb=256)


@pytest.mark.parametrize(
    ("program", "prints"),
    [
        ("print(sum(range(10)))", "45\n"),
        ("import json, math, re\nprint(json.dumps({'a': math.isqrt(17)}))", '{"a": 4}\n'),
        ("import random, statistics\nprint(statistics.mean([1, 3]))", "2\n"),
        (
            "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\nprint(A(1))",
            "A(x=1)\n",
        ),
        ("def main():\n    print('ä')\nif __name__ == '__main__':\n    main()", "ä\n"),
    ],
)
def test_an_ordinary_program_prints_its_output(program: str, prints: str) -> None:
    assert ran(program, Limits()) == (prints, "")


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        ("import socket", "refused: imports socket"),
        ("import urllib.request\nurllib.request.urlopen('http://127.0.0.1')", "refused: imports"),
        ("import sys\nsys.modules['x'] = 1\nimport _socket", "refused: imports _socket"),
        ("open('a.txt', 'w')", "refused: writes to 'a.txt'"),
        ("open('/tmp/a.txt', 'a')", "refused: writes to '/tmp/a.txt'"),
        ("import os\nos.open('a', os.O_CREAT | os.O_WRONLY)", "refused: writes to 'a'"),
        ("open('/etc/passwd')", "refused: reads '/etc/passwd'"),
        ("import os, sys\nopen(os.__file__ + '/../../../../etc/passwd')", "refused: reads"),
        ("import os\nprint(os.listdir('/'))", "refused: reads folder"),
        ("import os\nos.mkdir('a')", "refused: os.mkdir"),
        ("import os\nos.remove('/tmp/a')", "refused: os.remove"),
        ("import os\nwhile True:\n    os.fork()", "refused: os.fork"),
        ("import os\nos.system('id')", "refused: os.system"),
        ("import os\nos.execv('/bin/sh', ['sh'])", "refused: os.exec"),
        ("import os\nos.kill(os.getppid(), 9)", "refused: os.kill"),
        ("import subprocess", "refused: imports subprocess"),
        ("import ctypes", "refused: imports ctypes"),
        ("try:\n    open('a', 'w')\nexcept BaseException:\n    pass\nprint(1)", "refused: writes"),
        ("while True:\n    pass", "too_slow"),
        ("import time\ntime.sleep(60)", "too_slow"),
        ("x = bytearray(4 << 30)", "too_large"),
        ("x = []\nwhile True:\n    x.append(bytes(1 << 20))", "too_large"),
        ("while True:\n    print('more and more')", "too_much"),
        ("1 / 0", "failed: ZeroDivisionError"),
        ("def broken(:", "failed: SyntaxError"),
        ("raise SystemExit(3)", "failed: exit status 3"),
        ("input()", "failed: "),
    ],
)
def test_a_program_that_may_not_go_on_is_stopped_and_the_reason_told(
    program: str, fault: str
) -> None:
    made = ran(program, SHORT)
    assert made.fault.startswith(fault), made


def test_a_program_finds_no_network_even_without_the_hook(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not sandbox._isolated():
        pytest.skip("this system lets nobody take the network away")
    guard = tmp_path / "guard.py"
    text = sandbox.GUARD.read_text().replace("sys.addaudithook(hook)", "return")
    guard.write_text(text)
    monkeypatch.setattr(sandbox, "GUARD", guard)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        accepted: list[object] = []
        threading.Thread(target=lambda: accepted.append(server.accept()), daemon=True).start()
        socket.create_connection(("127.0.0.1", port)).close()
        program = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)"
        made = ran(program, SHORT)
    assert len(accepted) == 1 and "unreachable" in made.fault, made


def test_a_file_stays_empty_even_without_the_hook(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    guard, written = tmp_path / "guard.py", tmp_path / "written"
    text = sandbox.GUARD.read_text().replace("sys.addaudithook(hook)", "return")
    guard.write_text(text)
    monkeypatch.setattr(sandbox, "GUARD", guard)
    made = ran(f"with open({str(written)!r}, 'w') as one:\n    one.write('x' * 100)", SHORT)
    assert "File too large" in made.fault and (not written.exists() or not written.stat().st_size)


def test_a_program_sees_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEMILL_TEST_SECRET", "hidden")
    made = ran("import os\nprint('TRACEMILL_TEST_SECRET' in os.environ)", SHORT)
    assert made == ("False\n", "")
    assert os.environ["TRACEMILL_TEST_SECRET"] == "hidden"


def test_a_program_that_is_too_long_is_not_run() -> None:
    assert ran("#" * 300_000, SHORT).fault.startswith("too_long")
