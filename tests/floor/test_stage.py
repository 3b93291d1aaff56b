"""How a stage runs as a task: its turn on the GPU, and which errors are whose."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import httpx
import pytest
from prefect import Task, flow, task
from prefect.client.orchestration import get_client

import tasks
from tasks.spec import Spec
from tasks.stage import GPU_SLOT, STAGE, settle
from tasks.store import Key, Made, Table

pytestmark = pytest.mark.usefixtures("prefect_server")


def held() -> int:
    with get_client(sync_client=True) as client:
        return int(client.read_global_concurrency_limit_by_name(GPU_SLOT).active_slots)


def run_on_the_gpu(root: Path, make: Callable[[], Made]) -> Table:
    @task(**STAGE)
    def stage() -> Table:
        return settle(root, Key("traces", 1, Spec(), {}), make, on_gpu=True)

    @flow
    def only_this() -> Table:
        return stage()

    return only_this()


@pytest.fixture(autouse=True)
def limit() -> Iterator[None]:
    """A limit of one, taken away again: other tests share the server, and kill builds that would
    hold its turn.
    """
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(GPU_SLOT, 1)
        yield
        client.delete_global_concurrency_limit_by_name(GPU_SLOT)


def test_what_the_work_raises_is_its_own_error_and_the_turn_on_the_gpu_ends_with_it(
    tmp_path: Path,
) -> None:
    during: list[int] = []

    def make() -> Made:
        during.append(held())
        raise httpx.ConnectError("the teacher hung up")

    with pytest.raises(httpx.ConnectError, match="the teacher hung up"):
        run_on_the_gpu(tmp_path, make)
    assert (during, held()) == ([1], 0)


def test_no_stage_carries_a_tag() -> None:
    rooms = (
        import_module(f"tasks.{path.parent.name}.task")
        for path in Path(tasks.__file__).parent.glob("*/task.py")
    )
    stages = [one for room in rooms for one in vars(room).values() if isinstance(one, Task)]
    assert len(stages) > 10
    assert [stage.name for stage in stages if stage.tags] == []
