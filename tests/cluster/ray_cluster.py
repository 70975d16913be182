"""A Ray cluster of its own on this machine: two workers, an address for `auto` and one of the form ray://."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_WORKER = b"ray::MapWorker(MapBatches("


@dataclass(frozen=True)
class RayCluster:
    """A cluster that runs."""

    address: str
    """For the environment variable RAY_ADDRESS, which `auto` follows."""
    client_address: str
    pid: int

    def workers(self) -> list[int]:
        """The processes that restore now."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                title = (path / "cmdline").read_bytes()
                ours = f"RAY_TEST_CLUSTER={self.pid}".encode()
                if title.startswith(_WORKER) and ours in (path / "environ").read_bytes():
                    found.append(int(path.name))
        return found


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def ray_cluster(cores: int = 2) -> Iterator[RayCluster]:
    """Start a cluster, and end it with the block."""
    port, client_port = _free_ports(2)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",  # it listens on 127.0.0.1 alone
        "RAY_TEST_CLUSTER": str(os.getpid()),
    }
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("ray")),
                *["start", "--head", "--block", "--disable-usage-stats"],
                *["--node-ip-address", "127.0.0.1", "--include-dashboard", "false"],
                *["--num-cpus", str(cores), "--object-store-memory", "100000000"],
                *["--port", str(port), "--ray-client-server-port", str(client_port)],
                *["--temp-dir", folder],
            ],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            for number in (port, client_port):
                _wait_for(number, process)
            yield RayCluster(f"127.0.0.1:{port}", f"ray://127.0.0.1:{client_port}", os.getpid())
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None, "the cluster has ended"
        time.sleep(0.1)
    raise AssertionError(f"nothing listens at port {port}")
