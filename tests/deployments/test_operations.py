"""The files that put the mill on a machine: units, containers, a Ray cluster, another database."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import psutil
import pytest
import yaml

from tests.support.builders import write_rulebook
from tests.support.mills import mill, write_recipe

HOUSE = Path(__file__).parents[2]
INFRA = HOUSE / "infra"
POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), Path("/nowhere"))


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units as they are installed for a user."""
    subprocess.run(
        ["bash", str(INFRA / "systemd" / "install.sh"), str(tmp_path / "units")],
        check=True,
        capture_output=True,
    )
    return sorted((tmp_path / "units").glob("*.service"))


def test_systemd_accepts_the_units(units: list[Path], tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("this machine has no systemd-analyze")
    command = ["systemd-analyze", "verify", "--user", "--man=no", *map(str, units)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_units_restart_what_dies_bound_what_it_takes_and_are_not_root(units: list[Path]) -> None:
    assert [unit.stem for unit in units] == [
        "tracemill-reports",
        "tracemill-server",
        "tracemill-worker",
    ]
    for unit in units:
        text = unit.read_text()
        assert {"Restart=always", "NoNewPrivileges=yes", "UMask=0077"} <= set(text.splitlines())
        assert "MemoryMax=" in text and "User=root" not in text and "@CHECKOUT@" not in text
        for line in text.splitlines():
            if line.startswith("Exec"):
                assert Path(line.partition("=")[2].split()[0]).parent == HOUSE / ".venv" / "bin"


def test_compose_starts_the_same_parts_on_loopback_behind_one_password() -> None:
    tree = yaml.safe_load((INFRA / "compose.yaml").read_text())
    services = tree["services"]
    assert services.keys() == {"database", "server", "reports", "worker"}
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert published == ["127.0.0.1:4200:4200", "127.0.0.1:4201:4201"]
    server = services["server"]["environment"]
    assert server["PREFECT_SERVER_API_AUTH_STRING"] == server["PREFECT_API_AUTH_STRING"].replace(
        ":?one password for all", ""
    )
    assert server["PREFECT_SERVER_DATABASE_CONNECTION_URL"].startswith("postgresql+asyncpg://")
    assert all(
        name in " ".join(services["worker"]["command"])
        for name in ("service.ready", "deployments.deploy", "service.recover")
    )


def test_ray_accepts_the_cluster_file() -> None:
    import ray.autoscaler

    accepts = jsonschema.Draft7Validator(
        json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())
    ).is_valid
    tree = yaml.safe_load((INFRA / "ray-cluster.yaml").read_text())
    assert accepts(tree)
    assert not accepts(tree | {"head_start_command": []})
    assert "--dashboard-host=127.0.0.1" in tree["head_start_ray_commands"][-1]


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[str]:
    """The address of a Postgres of its own."""
    if not POSTGRES.exists():
        pytest.skip("this machine has no Postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = tmp_path / "pg"
    data.mkdir()
    as_owner = (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        if os.geteuid() == 0
        else []
    )
    if as_owner:
        shutil.chown(data, "postgres", "postgres")
        for folder in (tmp_path, *tmp_path.parents):
            if (
                folder.stat().st_uid == os.geteuid()
                and not folder.stat().st_mode & 0o001
                and folder != Path("/")
            ):
                folder.chmod(folder.stat().st_mode | 0o011)
    subprocess.run(
        [*as_owner, POSTGRES / "initdb", "-D", data, "-U", "prefect", "-A", "trust"],
        check=True,
        capture_output=True,
        cwd="/",
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data}"
    control = [*as_owner, str(POSTGRES / "pg_ctl"), "-D", str(data), "-w"]
    subprocess.run(
        [*control, "-l", str(data / "log"), "-o", options, "start"],
        check=True,
        capture_output=True,
        cwd="/",
    )
    try:
        yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(
            [*control, "-m", "immediate", "stop"], check=False, capture_output=True, cwd="/"
        )


@pytest.mark.service
def test_one_setting_puts_the_server_on_postgres(tmp_path: Path, postgres: str) -> None:
    with mill(
        tmp_path,
        [write_recipe(tmp_path / "small.yaml", write_rulebook(tmp_path / "rules"))],
        "--database",
        postgres,
    ) as running:
        run = running.trigger("build-corpus/small")
        assert running.wait(run)["state_name"] == "Completed", running.words(run)
        assert not (running.home.folder / "prefect.db").exists()
        worker = running.part("worker").environ()
        assert "PREFECT_SERVER_DATABASE_CONNECTION_URL" not in worker


def raylets() -> set[int]:
    """Return the Ray nodes that this process has started; other tests may have left one warm."""
    children = psutil.Process().children()
    return {one.pid for one in children if "raylet" in one.name()}


@pytest.mark.service
def test_an_engine_runs_on_a_cluster_of_several_nodes(tmp_path: Path) -> None:
    """Two Ray nodes on this machine, joined by the address a recipe names; the engines are spread
    over what the cluster has.
    """
    code = """
import ray, sys
from ray.cluster_utils import Cluster
from tasks.inference.cluster import join_ray
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
join_ray(cluster.address)
print(sum(node["Alive"] for node in ray.nodes()), ray.cluster_resources()["CPU"])
ray.shutdown(); cluster.shutdown()
"""
    before = raylets()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=900
    )
    assert done.stdout.split()[-2:] == ["2", "2.0"], done.stderr[-2000:]
    assert raylets() <= before
