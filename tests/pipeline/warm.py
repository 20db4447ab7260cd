"""Stages and DVC as forks of a process that holds their libraries: a start then takes no seconds.

Half the time of a small study is imports of torch, timm and DVC. :func:`warm` gives an environment in which
``dvc`` and ``python -m stages.…`` are asked of such a process, with their own arguments, folder, variables
and streams. Code of the study is imported by each fork anew, from the folder it runs in. What is killed is
started as usual.
"""

import atexit
import importlib
import json
import os
import runpy
import signal
import socket
import stat
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

LIBRARIES = (
    *("dvc.cli", "dvc.repo", "dvc.commands.repro", "dvc.commands.status", "dvc.commands.experiments.run"),
    *(
        "dvc.dependency",
        "dvc.stage.run",
        "dvc.repo.reproduce",
        "filelock",
        "matplotlib.pyplot",
        "pandas",
        "PIL.Image",
    ),
    *("markdown_it.main", "matplotlib.backends.backend_agg", "pyarrow.csv", "pyarrow.dataset"),
    *("pyarrow.pandas_compat", "pyarrow.parquet", "pydantic.main", "pydicom", "safetensors.torch"),
    *("scipy.stats", "sklearn.metrics", "timm", "torch", "torchvision", "tqdm"),
    *("transformers.models.bert.modeling_bert", "transformers.models.t5.modeling_t5"),
    *("transformers.tokenization_utils_tokenizers", "yaml"),
)
OURS = ("cxrlt", "cxrlt_core", "stages", "tools")

CLIENT = """#!{python} -IS
import json, os, socket, sys
name, arguments = os.path.basename(sys.argv[0]), sys.argv[1:]
if name == "python" and not (arguments[:1] == ["-m"] and arguments[1].partition(".")[0] in {ours}):
    os.execv({python!r}, [{python!r}, *arguments])
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    request = [name, arguments, os.getcwd(), dict(os.environ)]
    socket.send_fds(server, [b"!"], [0, 1, 2])
    server.sendall(json.dumps(request).encode())
    server.shutdown(socket.SHUT_WR)
    answer = server.recv(16)
os._exit(int(answer or b"1"))
"""


@contextmanager
def warm(folder: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Hold such a process, and give the environment that asks it; its programs lie in the folder."""
    address = str(folder / "warm.socket")
    for name in ("python", "dvc"):
        client = folder / name
        client.write_text(CLIENT.format(python=sys.executable, ours=OURS, address=address))
        client.chmod(client.stat().st_mode | stat.S_IXUSR)
    command = [sys.executable, __file__, address]
    with subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE) as process:
        process.stdout.readline()  # it listens
        yield {**environment, "PATH": f"{folder}{os.pathsep}{environment['PATH']}"}
        process.terminate()


def serve(address: str) -> None:
    """Import the libraries, then run what is asked for, each in a fork."""
    for name in LIBRARIES:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a fork that waits for a command
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while True:
            client, _ = server.accept()
            if not os.fork():
                server.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                answer(client)
            client.close()


def answer(client: socket.socket) -> None:
    """Run one command in a child and send its exit code; does not return."""
    _, streams, _, _ = socket.recv_fds(client, 1, 3)
    with client.makefile("rb") as words:
        name, arguments, folder, variables = json.loads(words.read())
    if not (child := os.fork()):
        client.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(variables)
        run(name, arguments)
    for stream in streams:
        os.close(stream)
    _, status = os.waitpid(child, 0)
    with suppress(OSError):  # whoever asked is gone
        client.sendall(str(os.waitstatus_to_exitcode(status) % 256).encode())
    os._exit(0)


def run(name: str, arguments: list[str]) -> None:
    """Be ``dvc`` or ``python -m`` with these arguments, to the end of the process."""
    code = 1
    try:
        if name == "dvc":
            sys.argv = ["dvc", *arguments]
            code = sys.modules["dvc.cli"].main(arguments)
        else:
            sys.argv, sys.path[0] = arguments[1:], os.getcwd()
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
            code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    with suppress(BaseException):
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    serve(sys.argv[1])
