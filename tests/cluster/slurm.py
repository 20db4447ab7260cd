"""Slurm with two nodes on this machine, as the user who runs the tests, in a folder of its own."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from string import Template

PROGRAMS = ("munged", "scontrol", "sinfo", "slurmctld", "slurmd", "srun")
PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])  # daemons may be in no user's path
SECONDS = 30  # until it is up


def missing() -> list[str]:
    """Return the programs that are not here."""
    return [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def daemon(folder: Path, environment: dict[str, str], *command: str) -> Iterator[None]:
    """Run a daemon in the foreground, away from the terminal; its words are in a file."""
    with (folder / f"{'-'.join(command[:1] + command[-1:])[:40].replace('/', '')}.log").open("w") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(SECONDS)


@contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """Start it in a folder; yield the variables by which its programs find it; stop it at the end."""
    conf, key = folder / "slurm.conf", folder / "munge.key"
    (folder / "state").mkdir()
    host, user = socket.gethostname().partition(".")[0], getpass.getuser()
    ports = {name: free_port() for name in ("port", "port_one", "port_two")}
    template = Template((Path(__file__).parent / "slurm.conf").read_text())
    conf.write_text(template.substitute(ports, host=host, user=user, folder=folder))
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(128))
    variables = {"SLURM_CONF": str(conf), "PATH": PATH}
    environment = {**os.environ, **variables}
    munge = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
    with ExitStack() as stack:
        for command in (
            ("munged", "--foreground", "--force", *munge, f"--socket={folder}/munge.socket"),
            ("slurmctld", "-D"),
            ("slurmd", "-D", "-N", "one"),
            ("slurmd", "-D", "-N", "two"),
        ):
            stack.enter_context(daemon(folder, environment, *command))
        wait_until_idle(environment)
        yield variables


def wait_until_idle(environment: dict[str, str]) -> None:
    """Wait until no node is at work or down."""
    limit = time.monotonic() + SECONDS
    states = ""
    while states.split() != ["idle", "idle"]:
        assert time.monotonic() < limit, f"the nodes are {states or 'not there'}"
        time.sleep(0.2)
        command = ["sinfo", "--noheader", "--Node", "--format=%T"]
        states = subprocess.run(command, env=environment, capture_output=True, text=True).stdout
