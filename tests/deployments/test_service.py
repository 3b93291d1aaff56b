"""The mill as it is operated: brought up, triggered, broken, retried, looked at."""

import itertools
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest
from prefect.automations import Automation

from deployments.automations import content_of, crash_silent_runs
from deployments.deploy import recipe_paths
from deployments.service import processes
from deployments.service.home import MOST_RUNS, SILENT, Home
from deployments.service.leftovers import close_attempt, close_ended
from deployments.service.pages import dated, made_at, readable
from deployments.service.service import up
from tasks.errors import BadSetting, ServiceDown
from tests.support.builders import write_rulebook
from tests.support.mills import Mill, bare, kill, mill, tracemill, write_recipe

pytestmark = [pytest.mark.service, pytest.mark.random_order(disabled=True)]
"""The tests of this file tell one story, on one store and one server: they keep their order."""


@pytest.fixture(scope="module")
def up_mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mill]:
    """A mill with one small recipe."""
    folder = tmp_path_factory.mktemp("up")
    with mill(
        folder, [write_recipe(folder / "small.yaml", write_rulebook(folder / "rules"))]
    ) as running:
        yield running


@pytest.fixture(scope="module")
def silent(up_mill: Mill) -> tuple[str, str, str, float]:
    """Runs that nobody works on: one that gave a sign of life, now, one of ours that was killed
    before it gave any, one that shall be cancelled.
    """
    run, mute, unwanted = (
        up_mill.unworked(),
        up_mill.unworked(tags=["tracemill"]),
        up_mill.unworked(),
    )
    up_mill.cancel(unwanted)
    resource = {"prefect.resource.id": f"prefect.flow-run.{run}"}
    event = {
        "id": str(uuid.uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": "prefect.flow-run.heartbeat",
        "resource": resource,
    }
    up_mill.api.post("/events", [event])
    return run, mute, unwanted, time.monotonic()


@pytest.mark.usefixtures("silent")
def test_scheduled_runs_exist_and_not_only_a_schedule(up_mill: Mill) -> None:
    body = {
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        "sort": "EXPECTED_START_TIME_ASC",
    }
    deadline = time.monotonic() + 75
    while len(due := up_mill.api.post("/flow_runs/filter", body)) < 2:
        assert time.monotonic() < deadline, "a minute after `up` nothing is scheduled"
        time.sleep(0.5)
    assert {run["expected_start_time"][11:16] for run in due} == {"01:00", "03:00"}
    assert due[0]["parameters"]["recipe"]["name"] == "small"


def test_up_again_changes_nothing_and_status_says_that_all_is_well(up_mill: Mill) -> None:
    pids = {part: up_mill.part(part).pid for part in ("server", "worker", "reports")}
    watches = [
        (one["id"], one["trigger"]["id"]) for one in up_mill.api.post("/automations/filter", {})
    ]
    said = up_mill.up()
    assert [
        (one["id"], one["trigger"]["id"]) for one in up_mill.api.post("/automations/filter", {})
    ] == watches
    assert {part: up_mill.part(part).pid for part in pids} == pids
    secret = up_mill.home.settings()["PREFECT_API_AUTH_STRING"]
    assert secret.partition(":")[2] not in said
    seen = json.loads(tracemill("status", "--home", up_mill.home.folder, "--json"))
    assert (seen["server"], seen["worker"], seen["reports"]) == (True, True, True)
    due = {(run["flow"], run["recipe"]) for run in seen["scheduled"][:2]}
    assert due == {("build-corpus", "small"), ("run-factory", "small")}, (
        "whichever comes first at this time of day"
    )


def test_automations_are_the_same_in_whatever_order_the_server_lists_what_they_expect() -> None:
    wanted = crash_silent_runs()
    tree = wanted.model_dump(mode="json")
    for order in itertools.permutations(tree["trigger"]["expect"]):
        known = Automation.model_validate(
            tree | {"trigger": tree["trigger"] | {"expect": list(order)}}
        )
        assert content_of(known) == content_of(wanted)
    assert isinstance(content_of(wanted)["trigger"]["expect"], set), (
        "as a list it would be equal for most hash seeds, and not for all"
    )


def test_the_server_wants_a_password_and_answers_no_other_web_page_or_machine(
    up_mill: Mill,
) -> None:
    address = f"http://127.0.0.1:{up_mill.port}"
    assert httpx.post(f"{address}/api/flow_runs/filter", json={}).status_code == 401
    user, _, password = up_mill.home.settings()["PREFECT_API_AUTH_STRING"].partition(":")
    told = httpx.get(
        f"{address}/api/flows/count",
        auth=(user, password),
        headers={"Origin": "http://evil.example"},
    )
    assert "access-control-allow-origin" not in told.headers
    listening = {
        one.laddr.ip
        for part in ("server", "reports")
        for one in up_mill.part(part).net_connections()
        if one.status == "LISTEN"
    }
    assert listening == {"127.0.0.1"}
    assert stat.S_IMODE(up_mill.home.settings_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(up_mill.home.folder.stat().st_mode) == 0o700


def test_the_form_is_drawn_from_the_recipe_with_meaning_bounds_and_defaults(up_mill: Mill) -> None:
    schema = up_mill.api.get("/deployments/name/build-corpus/small")["parameter_openapi_schema"]
    share = schema["definitions"]["PromptSpec"]["properties"]["saturation"]
    assert (
        share["maximum"] == 1
        and share["exclusiveMinimum"] == 0
        and share["default"]
        and share["description"]
    )
    nameless = [
        f"{model}.{name}"
        for model, shape in schema["definitions"].items()
        for name, field in shape.get("properties", {}).items()
        if "description" not in field and not shape.get("enum")
    ]
    assert nameless == []
    assert "key.path=value" in schema["properties"]["settings"]["description"]


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"nonsense": 1}, "'nonsense' was unexpected"),
        ({"settings": "x"}, "not of type 'array'"),
        (
            {"recipe": {"name": "x", "prompts": {"rows": -3}}},
            "'recipe.prompts.rows'. Failure reason: -3 is less than the minimum of 1",
        ),
        ({"recipe": {"name": "x", "promts": {}}}, "'promts' was unexpected"),
        (
            {"settings": ["prompts.row=3"]},
            "'settings[0]'. Failure reason: 'key.path=value with a key of the recipe",
        ),
        (
            {"settings": ["name=x", "prompts.rows=few"]},
            "'a whole number of at least 1 behind the =' was expected",
        ),
    ],
)
def test_a_wrong_parameter_is_refused_with_a_sentence_and_starts_nothing(
    up_mill: Mill, parameters: dict[str, object], says: str
) -> None:
    known = up_mill.api.get("/deployments/name/build-corpus/small")["id"]
    before = up_mill.api.post("/flow_runs/count", {})
    with pytest.raises(ServiceDown, match=re.escape(says)):
        up_mill.api.post(f"/deployments/{known}/create_flow_run", {"parameters": parameters})
    assert up_mill.api.post("/flow_runs/count", {}) == before


def test_a_triggered_build_leaves_its_tables_links_and_what_changed(up_mill: Mill) -> None:
    first = up_mill.trigger("build-corpus/small", key="once")
    assert up_mill.trigger("build-corpus/small", key="once") == first
    assert up_mill.wait(first)["state_name"] == "Completed", up_mill.words(first)
    second = up_mill.trigger("build-corpus/small", "traces.seed=77")
    _click_until_running(up_mill, second)
    assert up_mill.wait(second)["state_name"] == "Completed", up_mill.words(second)
    left = {one["key"]: one for one in up_mill.artifacts(second)}
    assert {
        "traces",
        "verdicts",
        "corpus",
        "changes",
        "report",
        "audit",
        "data-docs",
    } <= left.keys()
    changed = {line["measure"] for line in json.loads(left["changes"]["data"])}
    assert {"rows", "yield", "think characters, median", "family handbook_qa"} <= changed
    link = left["report"]["data"].partition("(")[2].rstrip(")")
    user, _, password = up_mill.home.settings()["PREFECT_API_AUTH_STRING"].partition(":")
    assert httpx.get(link).status_code == 401
    page = httpx.get(link, auth=(user, password))
    assert (
        page.status_code == 200 and "connect-src 'none'" in page.headers["content-security-policy"]
    )
    up_mill.heard("tracemill.corpus.published", count=2)


def _click_until_running(running: Mill, run: str) -> None:
    """Switch a deployment from eight browsers at once while a run begins: SQLite must refuse none
    of them.
    """
    path = f"{running.home.settings()['PREFECT_API_URL']}/deployments/{running.api.get('/deployments/name/train-student/small')['id']}"
    secret = running.home.settings()["PREFECT_API_AUTH_STRING"].split(":", 1)
    answers: list[int] = []
    with (
        ThreadPoolExecutor(8) as browsers,
        httpx.Client(auth=(secret[0], secret[1]), timeout=60) as browser,
    ):
        while running.run(run)["state_type"] in {"SCHEDULED", "PENDING"} or len(answers) < 80:
            answers += browsers.map(
                lambda _: browser.patch(path, json={"paused": False}).status_code, range(8)
            )
    assert set(answers) == {204}


def test_the_readmes_trigger_and_its_automation_work_as_they_stand(
    up_mill: Mill, tmp_path: Path
) -> None:
    text = (Path(__file__).parents[2] / "deployments" / "README.md").read_text()
    shell = next(
        block
        for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
        if "create_flow_run" in block
    )
    python = next(
        block
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        if "Automation" in block
    )
    code = (
        shell.replace("~/.tracemill/env", str(up_mill.home.settings_file))
        .replace("/pocket", "/small")
        .replace("prompts.rows=200", "prompts.rows=24")
    )
    for _ in range(2):
        done = subprocess.run(
            ["bash", "-euc", code], capture_output=True, text=True, check=True, env=bare()
        )
    run = json.loads(done.stdout)
    assert up_mill.wait(run["id"])["state_name"] == "Completed"
    subprocess.run(
        [sys.executable, "-c", python.replace("pocket", "small")],
        check=True,
        env=up_mill.home.environment(),
    )
    assert any(
        one["name"] == "a broken gate stops the nights"
        for one in up_mill.api.post("/automations/filter", {})
    )


SPEAKING = """
import logging
import os
import signal
import threading

import psutil
import ray
from prefect import flow, task
from prefect.runtime import flow_run

from tasks.inference.cluster import join_ray
from tasks.stage import STAGE


heard = threading.Event()
ears = logging.Handler()
ears.emit = lambda record: heard.set() if "spoken by a worker" in record.getMessage() else None
logging.getLogger("tasks").addHandler(ears)


cancelled, joined = [], threading.Event()


def cancel():
    while not joined.wait(0.1):
        if any(child.name() == "gcs_server" for child in psutil.Process().children()):
            return os.kill(os.getpid(), signal.SIGTERM)


@task(**STAGE)
def ask_a_worker():
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL, "Prefect's way to cancel a run"
    signal.signal(signal.SIGTERM, lambda *_: cancelled.append(joined.is_set()))
    threading.Thread(target=cancel).start()
    join_ray("local")
    joined.set()
    os.kill(os.getpid(), signal.SIGTERM)
    assert cancelled == [False, True], "heeded while Ray starts, and afterwards"
    ray.get(ray.remote(lambda: print("spoken by a worker")).remote())
    heard.wait(60)


@flow
def speaking():
    ask_a_worker()
    return str(flow_run.id)


print(speaking())
"""


def test_what_rays_workers_say_is_in_the_runs_log_and_a_run_with_ray_can_be_cancelled(
    up_mill: Mill, tmp_path: Path
) -> None:
    script = tmp_path / "speaking.py"
    script.write_text(SPEAKING)
    run = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        check=True,
        env=up_mill.home.environment(),
    ).stdout.strip()
    assert "spoken by a worker" in up_mill.words(run)


def test_settings_that_contradict_each_other_fail_at_once_and_are_not_retried(
    up_mill: Mill,
) -> None:
    setting = "verdicts.structure.think_min=30000"
    run = up_mill.wait(up_mill.trigger("build-corpus/small", setting))
    assert (run["state_type"], run["run_count"]) == ("FAILED", 1)
    assert "think_min 30000 lies above think_max 20000" in run["state"]["message"]


def test_a_broken_gate_is_an_event_and_a_failed_run_retried_runs_only_what_is_missing(
    up_mill: Mill,
) -> None:
    run = up_mill.trigger(
        "build-corpus/small", "corpus.suite.checked.correctness=1", "traces.seed=5"
    )
    assert up_mill.wait(run)["state_type"] == "FAILED"
    up_mill.heard("tracemill.gate.broken")
    for process in up_mill.engines():
        process.wait(30)
    up_mill.retry(run)
    assert up_mill.wait(run, ["RUNNING"])["run_count"] == 2
    assert up_mill.wait(run)["state_type"] == "FAILED"
    said = up_mill.words(run)
    assert (
        len(re.findall(r"traces \w+: started", said)),
        len(re.findall(r"traces \w+: found", said)),
    ) == (1, 1)
    assert len(re.findall(r"corpus \w+: started", said)) == 2


def test_a_killed_flow_process_is_tried_again_by_itself_and_holds_no_slot(up_mill: Mill) -> None:
    run = up_mill.trigger("build-corpus/small", "traces.seed=9")
    up_mill.wait(run, ["RUNNING"])
    kill(up_mill.engines(run))
    ended = up_mill.wait(run, ["COMPLETED", "FAILED"])
    assert (ended["state_name"], ended["run_count"]) == ("Completed", 2), up_mill.words(run)
    assert up_mill.held_slots() == 0


def test_task_runs_of_a_dead_attempt_are_closed_and_those_of_a_living_one_are_not(
    up_mill: Mill,
) -> None:
    dead, alive = up_mill.unworked(), up_mill.unworked()
    left, kept = (_task_run(up_mill, run) for run in (dead, alive))
    assert close_attempt(up_mill.api, dead) == 1
    assert _state_of(up_mill, left) == "CRASHED"
    assert _state_of(up_mill, kept) == "RUNNING"
    up_mill.state(alive, "FAILED")
    assert close_ended(up_mill.api) >= 1
    assert _state_of(up_mill, kept) == "CRASHED"


def _task_run(running: Mill, run: str) -> str:
    body = {
        "flow_run_id": run,
        "task_key": "stage",
        "dynamic_key": "0",
        "state": {"type": "RUNNING", "name": "Running"},
    }
    return str(running.api.post("/task_runs/", body)["id"])


def _state_of(running: Mill, task_run: str) -> str:
    return str(running.api.get(f"/task_runs/{task_run}")["state_type"])


def test_a_flow_process_that_is_asked_to_end_is_tried_again_once_and_not_by_two_at_a_time(
    up_mill: Mill,
) -> None:
    run = up_mill.trigger("build-corpus/small", "traces.seed=12")
    up_mill.wait(run, ["RUNNING"])
    (process,) = up_mill.engines(run)
    process.terminate()
    ended = up_mill.wait(run, ["COMPLETED", "FAILED"])
    assert (ended["state_name"], ended["run_count"]) == ("Completed", 2), up_mill.words(run)


def older_and_later(
    environment: dict[str, str],
) -> tuple[subprocess.Popen[bytes], subprocess.Popen[str]]:
    """Start a process that looks like an older one of a run, and one that takes the run up."""
    older = subprocess.Popen(
        [sys.executable, "-c", "input()", "deployments.lean"],
        env=environment,
        stdin=subprocess.PIPE,
    )
    later = subprocess.Popen(
        [sys.executable, "-m", "deployments.lean"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    return older, later


def test_a_run_waits_until_no_older_process_carries_it_on(up_mill: Mill) -> None:
    environment = up_mill.home.environment() | {"PREFECT__FLOW_RUN_ID": str(uuid.uuid4())}
    older, later = older_and_later(environment)
    assert later.stderr is not None
    assert f"process {older.pid} still works on this run" in later.stderr.readline()
    assert later.poll() is None
    older.communicate(b"\n")
    assert later.wait(60) == 1, "there is no such run"


def test_an_older_process_that_was_called_silent_is_ended_and_what_the_server_knows_is_not_told_again(
    up_mill: Mill,
) -> None:
    run = up_mill.unworked()
    up_mill.api.post(
        f"/flow_runs/{run}/set_state",
        {"state": {"type": "CRASHED", "name": SILENT}},
    )
    environment = up_mill.home.environment() | {"PREFECT__FLOW_RUN_ID": run}
    older, later = older_and_later(environment)
    assert older.wait(60) == -signal.SIGTERM
    said = later.communicate(timeout=120)[1]
    assert (later.returncode, "exited with unexpected exception" in said) == (0, True), said


def test_a_crashed_run_is_tried_again_by_itself_but_not_for_ever(up_mill: Mill) -> None:
    run = up_mill.unworked(tags=["tracemill"])
    for _ in range(MOST_RUNS - 1):
        up_mill.state(run, "CRASHED")
        up_mill.wait(run, ["AwaitingRetry"])
        up_mill.state(run, "RUNNING")
    up_mill.state(run, "CRASHED")
    later = up_mill.unworked(tags=["tracemill"])
    up_mill.state(later, "CRASHED")
    up_mill.wait(later, ["AwaitingRetry"])
    assert (up_mill.run(run)["state_type"], up_mill.run(run)["run_count"]) == ("CRASHED", MOST_RUNS)


def test_a_silent_run_is_called_crashed_within_two_minutes_and_one_to_be_cancelled_is(
    up_mill: Mill, silent: tuple[str, str, str, float]
) -> None:
    run, mute, unwanted, since = silent
    left = max(5.0, since + 120 - time.monotonic())
    assert up_mill.wait(run, ["CRASHED"], seconds=left)["state"]["name"] == SILENT
    up_mill.wait(mute, ["CRASHED", "AwaitingRetry"], seconds=left)
    assert SILENT in [
        one["name"] for one in up_mill.api.get(f"/flow_run_states/?flow_run_id={mute}")
    ]
    up_mill.wait(unwanted, ["CANCELLED"], seconds=left)


@pytest.mark.parametrize("worker", ["lives", "has gone"])
def test_a_cancelled_run_leaves_no_process_and_no_slot(up_mill: Mill, worker: str) -> None:
    run = up_mill.trigger("build-corpus/small", f"traces.seed={20 + len(worker)}")
    up_mill.wait(run, ["RUNNING"])
    if worker == "has gone":
        kill([up_mill.part("worker")])
    up_mill.cancel(run)
    assert up_mill.wait(run)["state_name"] == "Cancelled"
    psutil.wait_procs(up_mill.engines(run), timeout=30)
    assert up_mill.engines(run) == []
    up_mill.up()
    assert up_mill.held_slots() == 0


def test_when_everything_is_killed_at_once_the_next_up_takes_the_run_up_again(
    up_mill: Mill, tmp_path: Path
) -> None:
    run = up_mill.trigger("build-corpus/small", "traces.seed=11")
    up_mill.wait(run, ["RUNNING"])
    kill(processes.descendants(up_mill.home))
    up_mill.up()
    ended = up_mill.wait(run, ["COMPLETED", "FAILED"])
    assert (ended["state_name"], ended["run_count"]) == ("Completed", 2), up_mill.words(run)


def test_what_a_person_paused_or_switched_off_stays_so_until_the_recipe_says_something_new(
    up_mill: Mill,
) -> None:
    def switches() -> tuple[bool, bool]:
        """Whether the corpus build is paused, and whether the factory's schedule is on."""
        corpus, factory = (
            up_mill.api.get(f"/deployments/name/{flow}/small")
            for flow in ("build-corpus", "run-factory")
        )
        return corpus["paused"], factory["schedules"][0]["active"]

    corpus, factory = (
        up_mill.api.get(f"/deployments/name/{flow}/small")
        for flow in ("build-corpus", "run-factory")
    )
    assert switches() == (False, True)
    up_mill.api.patch(f"/deployments/{corpus['id']}", {"paused": True})
    up_mill.api.patch(
        f"/deployments/{factory['id']}/schedules/{factory['schedules'][0]['id']}", {"active": False}
    )
    up_mill.up()
    assert switches() == (True, False)
    recipe = up_mill.recipes[0]
    up_mill.api.patch(f"/deployments/{corpus['id']}", {"paused": False})
    up_mill.api.patch(
        f"/deployments/{factory['id']}/schedules/{factory['schedules'][0]['id']}", {"active": True}
    )
    recipe.write_text(recipe.read_text().replace("active: true", "active: false"))
    up_mill.up()
    assert switches() == (False, False)


def test_status_of_a_mill_that_is_down_says_so(tmp_path: Path) -> None:
    said = tracemill("status", "--home", tmp_path, code=1)
    assert "server   down" in said and "tracemill up" in said
    assert "nothing was running" in tracemill("down", "--home", tmp_path)


def test_a_taken_port_and_a_home_that_no_shell_could_read_are_refused(
    tmp_path: Path, up_mill: Mill
) -> None:
    with pytest.raises(ServiceDown, match="is taken"):
        up(Home(tmp_path / "home"), port=up_mill.port, root=tmp_path, database="", recipes=[])
    with pytest.raises(BadSetting, match="space"):
        Home(tmp_path / "two words").write(port=1, root=tmp_path, database="")
    said = tracemill(
        "up",
        "--home",
        up_mill.home.folder,
        "--port",
        up_mill.port,
        "--root",
        tmp_path / "elsewhere",
        code=2,
    )
    assert "the mill is up with" in said and "tracemill down" in said


def test_only_pages_that_a_table_declares_can_be_read(tmp_path: Path) -> None:
    root = tmp_path / "mill"
    (root / "corpus" / "f").mkdir(parents=True)
    (root / "data_docs" / "f").mkdir(parents=True)
    (root / "data_docs" / "gone").mkdir()
    (root / "journal").mkdir()
    declared = ["report.html", "link.html"]
    (root / "corpus/f/_manifest.json").write_text(json.dumps({"pages": declared}))
    for path in (
        root / "corpus/f/report.html",
        root / "corpus/f/other.html",
        root / "data_docs/f/index.html",
        root / "data_docs/gone/index.html",
        root / "corpus/f/train.parquet",
        root / "journal/a.html",
        tmp_path / "secret.html",
    ):
        path.write_text("x")
    (root / "corpus/f/link.html").symlink_to(tmp_path / "secret.html")
    assert readable(root, "corpus/f/report.html")
    assert readable(root, "data_docs/f/index.html")
    outside = [
        "corpus/f/other.html",
        "data_docs/gone/index.html",
        "corpus/f/_manifest.json",
        "corpus/f/train.parquet",
        "journal/a.html",
        "../secret.html",
        "corpus/../../secret.html",
        "corpus/f/link.html",
        "/etc/passwd",
    ]
    assert [name for name in (*outside, "", "a\0b") if readable(root, name)] == []


def test_the_settings_file_serves_a_shell(tmp_path: Path) -> None:
    written = Home(tmp_path).write(port=4200, root=tmp_path / "mill", database="")
    done = subprocess.run(
        ["bash", "-c", f"set -a; . {tmp_path}/env; env"], capture_output=True, text=True, check=True
    )
    assert {f"{name}={value}" for name, value in written.items()} <= set(done.stdout.splitlines())


def test_the_pocket_recipe_is_deployed_when_none_is_named_and_else_those_alone() -> None:
    assert [path.name for path in recipe_paths([])] == ["pocket.yaml"]
    assert recipe_paths(["my.yaml", "other.yaml"]) == [Path("my.yaml"), Path("other.yaml")]


def test_a_served_page_tells_when_its_table_was_made_and_the_page_itself_does_not(
    tmp_path: Path,
) -> None:
    page = tmp_path / "report.html"
    page.write_text("<h1>small</h1><p>text</p>")
    assert made_at(page) is None
    (tmp_path / "_manifest.json").write_text("{}")
    os.utime(tmp_path / "_manifest.json", (0, 86_400))
    made = made_at(page)
    assert made is not None
    assert (
        dated(page.read_text(), made)
        == "<h1>small</h1>\n<p>Made on 02 January 1970, 00:00 UTC</p><p>text</p>"
    )
