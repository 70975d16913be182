"""Processes that start with torch already imported: forks of one that did nothing else.

A new interpreter needs seconds of processor time to import torch, and the documents run a hundred commands. `preloaded` starts
one process that imports what the commands import, and makes stand-ins for them in a folder. A stand-in hands its arguments,
folder, environment, standard streams and signals to that process, which forks; the fork runs `main()` and the stand-in ends
with its status. What runs is the same from the first line of `main` on, in a process that no other command shares.

Only on Linux: elsewhere a process that has loaded libraries may not be forked safely, and the stand-ins start an interpreter.
"""

from __future__ import annotations

import importlib
import marshal
import os
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMPORTED_BY_COMMANDS = (
    "torch",
    "numpy",
    "PIL.Image",
    "pydantic",
    "safetensors.torch",
    "scipy.ndimage",
    "restorae.restoring.batch",
    "restorae.training",
    "restorae.figures",
)
"""Not pyvips, OpenCV and PyAV: they start threads, which a fork loses."""

COMMANDS = {"restorae": "restorae.cli.main", "execute-document": "tests.docs.execute"}
"""Name of each command, and the module whose `main` it runs."""

STAND_IN = """\
#!{python} -IS
import _signal, _socket, array, marshal, os, sys
connection = _socket.socket(_socket.AF_UNIX)
connection.connect({address!r})
message = marshal.dumps(({module!r}, sys.argv, os.getcwd(), dict(os.environ)))
streams = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
connection.sendmsg([len(message).to_bytes(8, "big")], streams)
connection.sendall(message)
for number in (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP):
    _signal.signal(number, lambda number, frame: connection.sendall(bytes([number])))
ended = connection.recv(1)
os._exit(ended[0] if ended else 1)
"""
"""Imports only modules written in C, so that it starts in 0.02 s."""

PLAIN = """\
#!/bin/sh
exec {python} -c 'from {module} import main; main()' "$@"
"""


@contextmanager
def preloaded(folder: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Environment in which `restorae` and `execute-document` start from a process that has imported them.

    Args:
        folder: an empty one, for the stand-ins and the socket.
        environment: that of the commands; variables that libraries read while they are imported count from the start.
    """
    address = str(folder / "socket")
    text = STAND_IN if sys.platform == "linux" else PLAIN
    for name, module in COMMANDS.items():
        stand_in = folder / name
        stand_in.write_text(text.format(python=sys.executable, address=address, module=module))
        stand_in.chmod(0o755)
    found_first = {**environment, "PATH": f"{folder}{os.pathsep}{environment['PATH']}"}
    if sys.platform != "linux":
        yield found_first
        return
    listener = socket.socket(socket.AF_UNIX)
    with listener:
        listener.bind(address)
        listener.listen()
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.preloaded", str(listener.fileno())],
            cwd=ROOT,
            env=dict(environment),
            pass_fds=[listener.fileno()],
        )
    try:
        yield found_first
    finally:
        server.kill()
        server.wait()


def serve(listener: socket.socket) -> None:
    """Fork once for every connection, as long as the process lives that started this one."""
    parent = os.getppid()
    listener.settimeout(5)
    signal.signal(signal.SIGCHLD, _reap)
    for module in (*IMPORTED_BY_COMMANDS, *COMMANDS.values()):
        importlib.import_module(module)
    threads = list(Path("/proc/self/task").iterdir())
    assert len(threads) == 1, "a fork loses threads, and locks that they hold are never released"
    while True:
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            if os.getppid() != parent:
                return
            continue
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _attend(connection)
            os._exit(0)
        connection.close()


def _reap(number: int, frame: object) -> None:
    """Collect what has ended, so that its processor time counts as this process's children's."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _attend(connection: socket.socket) -> None:
    """Run what is asked for in a fork of this fork; pass signals on to it and its status back."""
    head, streams, _, _ = socket.recv_fds(connection, 8, 3)
    length = int.from_bytes(head, "big")
    message = b""
    while len(message) < length:
        message += connection.recv(length - len(message))
    ended, alive = os.pipe()
    process = os.fork()
    if process == 0:
        connection.close()
        os.close(ended)
        _become(*marshal.loads(message), streams)
    for number in (alive, *streams):
        os.close(number)
    # closed by the end of the process, whatever ends it
    while ended not in select.select([connection, ended], [], [])[0]:
        passed_on = connection.recv(1)
        os.kill(process, passed_on[0] if passed_on else signal.SIGKILL)
        if not passed_on:
            return
    _, state = os.waitpid(process, 0)
    status = os.waitstatus_to_exitcode(state)
    connection.sendall(bytes([status if status >= 0 else 128 - status]))


def _become(
    module: str, arguments: list[str], cwd: str, environment: dict[str, str], streams: list[int]
) -> None:
    """Be the process that was asked for; does not return."""
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    status: object = 0
    try:
        importlib.import_module(module).main()
    except SystemExit as left:
        status = left.code
    except BaseException:
        traceback.print_exc()
        status = 1
    # the interpreter's own way to end: threads are waited for, exit handlers run, buffers are written
    raise SystemExit(status)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
