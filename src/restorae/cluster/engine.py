"""Ray: connecting to a cluster, and tasks through workers that are killed and started again."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import socket
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from restorae import machine
from restorae.cluster.libraries import import_ray
from restorae.cluster.one_cluster import require_same_cluster
from restorae.cluster.tasks import ClusterTask
from restorae.cluster.worker import FileWorker, Outcome, WorkPlan
from restorae.errors import ClusterError, Fix, Message, UsageError
from restorae.version import VERSION

AUTO = "auto"
"""Stands for a cluster that runs on this machine, or else for its own cores."""
_ADDRESS = re.compile(r"ray://(\[[^\]]+\]|[^:/]+):(\d+)")
_SECONDS = 5.0
_OBJECTS = 100 * 2**20
"""Bytes for what Ray's processes share on this machine: tasks and outcomes are a few hundred bytes each."""
_STARTED = Path(os.environ.get("RAY_TMPDIR") or gettempdir(), "ray", "ray_current_cluster")
"""Where `ray start` notes the address of its cluster."""
_RETRIES = 2
_STARTS = 5
"""How often a run is begun again without one more image done."""
_BLOCKS = 10_000
"""Most groups of tasks; a worker that is killed repeats its group, in which what is done is skipped."""
_NO_REPLY = Fix("cluster", AUTO)


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster that has answered."""

    workers: int
    """How many workers it has room for, of one thread each."""
    memory: int
    """Bytes that each of them may use, on the machine that has the least."""
    is_local: bool
    """Whether it was started on this machine for this run."""
    is_elsewhere: bool = False
    """Whether this process is only a client of it, so that a process there gives out the tasks."""


@contextlib.contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """A cluster, for as long as the block lasts.

    Args:
        address: `auto`, or `ray://HOST:PORT`.

    Raises:
        UsageError: the address is of another form.
        ClusterError: nobody answers there, or restorae or Ray is another one there.
        MissingExtra: Ray is not installed.
    """
    ray = import_ray()
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL"}
    is_local, folders = False, contextlib.ExitStack()
    if address == AUTO:
        is_local = not _join_running(ray, quiet)
        if is_local:
            folder = TemporaryDirectory(prefix="restorae-ray-", ignore_cleanup_errors=True)
            _start_here(ray, quiet, folders.enter_context(folder))
    else:
        _require_answer(address)
        try:
            ray.init(address=address, **quiet)
        except Exception as error:
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ClusterError(
                f"cannot be joined: {said}", subject=address, fix=_NO_REPLY
            ) from None
    try:
        yield _inspect(ray, is_local, address != AUTO)
    finally:
        ray.shutdown()
        folders.close()


def _start_here(ray: Any, quiet: Mapping[str, Any], folder: str) -> None:
    """Start a cluster of this machine's cores. Others do not find it, since it ends with this run."""
    ray.init(
        address="local",
        num_cpus=machine.usable_cores(),
        include_dashboard=False,
        object_store_memory=_OBJECTS,
        _node_ip_address="127.0.0.1",
        _temp_dir=folder,
        **quiet,
    )


def _join_running(ray: Any, quiet: Mapping[str, Any]) -> bool:
    """Join the cluster that RAY_ADDRESS names or that was started on this machine, if there is one."""
    named = os.environ.get("RAY_ADDRESS")
    address = named or _started_here()
    if address is None:
        return False
    try:
        _require_answer(address)
        ray.init(address=address, **quiet)
    except ClusterError:
        if named:
            raise
        return False  # it has ended and left its name
    except ConnectionError:
        problem = "gives no answer to Ray: it may be another version, or need a token"
        raise ClusterError(problem, subject=address, fix=_NO_REPLY) from None
    return True


def _started_here() -> str | None:
    """The address of the cluster that `ray start` has started on this machine."""
    with contextlib.suppress(OSError):
        return _STARTED.read_text("utf-8").strip() or None
    return None


def _require_answer(address: str) -> None:
    found = _ADDRESS.fullmatch(address if "://" in address else f"ray://{address}")
    if found is None or not 0 < int(found[2]) < 2**16:
        raise UsageError(
            f"expected auto or ray://HOST:PORT, got {address!r}", fix=Fix("cluster", AUTO)
        )
    try:
        with socket.create_connection((found[1].strip("[]"), int(found[2])), timeout=_SECONDS):
            pass
    except OSError as error:
        raise ClusterError(
            f"nobody answers there ({error.strerror or f'no answer in {_SECONDS:g} s'})",
            subject=address,
            fix=_NO_REPLY,
        ) from None


def _version_here() -> str:
    from restorae.version import VERSION as HERE  # of the worker

    return HERE


def _inspect(ray: Any, is_local: bool, is_elsewhere: bool) -> Cluster:
    """Ask each machine for its version of restorae, and count cores and memory."""
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    if not nodes:
        raise ClusterError("this cluster has no processors for workers")
    asked = ray.remote(num_cpus=1, max_retries=0)(_version_here)
    waiting = {
        node["NodeManagerAddress"]: asked.options(
            label_selector={"ray.io/node-id": node["NodeID"]}
        ).remote()
        for node in nodes
    }
    for host, answer in waiting.items():
        try:
            version = ray.get(answer, timeout=60)
        except Exception as error:
            absent = "ModuleNotFoundError" in f"{type(error).__name__} {error}"
            problem = "restorae is not installed there" if absent else "gives no answer"
            raise ClusterError(problem, subject=f"worker {host}") from None
        if version != VERSION:
            raise ClusterError(
                f"has restorae {version}, and this is {VERSION}. All machines need the same version",
                subject=f"worker {host}",
            )
    cores = [int(node["Resources"]["CPU"]) for node in nodes]
    memory = min(
        int(node["Resources"].get("memory", 0)) // count
        for node, count in zip(nodes, cores, strict=True)
    )
    return Cluster(workers=sum(cores), memory=memory, is_local=is_local, is_elsewhere=is_elsewhere)


def run_on_cluster(
    tasks: Sequence[ClusterTask], plan: WorkPlan, cluster: Cluster
) -> Iterator[Outcome]:
    """The outcome of each task, in the order in which they are done.

    A task whose worker was lost is given to another, twice; then it is set aside, and the outcome says so.

    Raises:
        ClusterError: the cluster has failed as a whole.
    """
    try:
        if cluster.is_elsewhere:
            yield from _run_from_there(tasks, plan, cluster)
        else:
            yield from _run_all(tasks, plan, cluster)
    except Exception as error:
        if not _is_of_ray(error):
            raise
        raise ClusterError(
            f"the cluster has failed ({type(error).__name__}). What is done is kept",
            fix=Fix("skip_existing"),
        ) from error


def _is_of_ray(error: Exception) -> bool:
    return isinstance(error, ConnectionError) or type(error).__module__.startswith("ray.")


class _Runner:
    """Gives out tasks from within the cluster, since Ray Data does not work through a client.

    Args:
        tasks: what to do.
        plan: how.
        cluster: the workers.
    """

    def __init__(self, tasks: Sequence[ClusterTask], *, plan: WorkPlan, cluster: Cluster) -> None:
        self._outcomes = _run_all(tasks, plan, cluster)

    def next_outcome(self) -> str | None:
        """The next outcome as text; None after the last."""
        outcome = next(self._outcomes, None)
        return None if outcome is None else outcome.to_json()


def _run_from_there(
    tasks: Sequence[ClusterTask], plan: WorkPlan, cluster: Cluster
) -> Iterator[Outcome]:
    ray = import_ray()
    runner = ray.remote(num_cpus=0)(_Runner).remote(tasks, plan=plan, cluster=cluster)
    while (text := ray.get(runner.next_outcome.remote())) is not None:
        yield Outcome.from_json(text)


def _run_all(tasks: Sequence[ClusterTask], plan: WorkPlan, cluster: Cluster) -> Iterator[Outcome]:
    size = math.ceil(len(tasks) / _BLOCKS)
    done: set[int] = set()
    indices = list(range(len(tasks)))
    for group in dict.fromkeys([size, 1]):
        # what was lost with its group is tried again alone, so that one bad image costs no others
        failed = 0
        while waiting := [index for index in indices if index not in done]:
            before = len(done)
            try:
                for outcome in _run(
                    waiting, tasks, plan, min(cluster.workers, len(waiting)), group
                ):
                    if outcome.index not in done:
                        done.add(outcome.index)
                        yield outcome
                break
            except Exception as error:
                # a worker that is killed while it starts ends Ray's run; tasks are safe to repeat
                failed = failed + 1 if len(done) == before else 0
                if not _is_of_ray(error) or failed == _STARTS:
                    raise
    for index in indices:
        if index not in done:
            lost = f"set aside: its worker was lost {_RETRIES + 1} times (killed, crashed or out of memory)"
            failure = Message(lost, subject=tasks[index].source)
            yield Outcome(index=index, failure=failure)


def _run(
    indices: Sequence[int], tasks: Sequence[ClusterTask], plan: WorkPlan, workers: int, group: int
) -> Iterator[Outcome]:
    if not indices:
        return
    ray = import_ray()
    require_same_cluster(ray.get_runtime_context().gcs_address)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # blocks whose workers were lost are missing, and found by that
    rows = [{"index": index, "task": json.dumps(asdict(tasks[index]))} for index in indices]
    waiting = ray.data.from_items(rows, override_num_blocks=math.ceil(len(rows) / group))
    with warnings.catch_warnings():
        # the only way to limit how often a task is repeated, announced to change in Ray 2.64
        warnings.simplefilter("ignore", DeprecationWarning)
        outcomes = waiting.map_batches(
            FileWorker,
            batch_size=group,
            fn_constructor_args=(plan,),
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=1,
            ray_remote_args_fn=_remote_settings,
        )
    for row in outcomes.iter_rows():
        yield Outcome.from_json(row["outcome"])


def _remote_settings() -> dict[str, Any]:
    return {"max_restarts": -1, "max_task_retries": _RETRIES}
