"""A copy of the repository in which studies are run through DVC."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import yaml

ROOT = Path(__file__).parents[2]
ALWAYS = ("settings", "watch")  # the stages that DVC runs every time
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "HF_HUB_OFFLINE": "1",
    **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"), "test@example.org"),
    **dict.fromkeys(("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"), "test@example.org"),
}


class Workspace:
    """A copy of the repository in which commands are run."""

    def __init__(self, folder: Path, environment: Mapping[str, str] = ENVIRONMENT):
        self.folder, self.environment = folder, environment
        self.first_run, self.first_words = list[str](), ""  # stages, and what dvc said
        self.said = ""  # by the last dvc

    def run(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)

    def repro(self, *arguments: str) -> list[str]:
        """Run ``dvc repro`` (or another dvc command) and return the stages that it ran, but ALWAYS."""
        done = self.run("dvc", *(arguments or ("repro",)))
        self.said = done.stdout + done.stderr
        assert done.returncode == 0, self.said
        return [name for name in re.findall(r"Running stage '([^']+)'", done.stdout) if name not in ALWAYS]

    def run_jobs(self, number: int) -> list[str]:
        """Run what is due, several stages at once, and return the stages that ran, but ALWAYS."""
        done = self.run("python", "-m", "tools.jobs", str(number))
        self.said = done.stdout + done.stderr
        assert done.returncode == 0, self.said
        return [name for name in re.findall(r"Running stage '([^']+)'", done.stdout) if name not in ALWAYS]

    def edit(self, before: str, after: str) -> None:
        path = self.folder / "params.yaml"
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after, 1))

    @contextmanager
    def params(self) -> Iterator[dict]:
        """Edit what params.yaml holds; its comments are lost."""
        path = self.folder / "params.yaml"
        content = yaml.safe_load(path.read_text())
        yield content
        path.write_text(yaml.safe_dump(content, sort_keys=False))

    def keep(self, *variants: str) -> None:
        """Make the study smaller: no variants but these, and no rows but theirs and the first of Table 2."""
        with self.params() as params:
            params["variants"] = {name: params["variants"][name] for name in variants}
            params["table1"] = [row for row in params["table1"] if row["variant"] in variants]
            members = params["ensemble"]["members"]
            params["ensemble"]["members"] = [name for name in members if name in variants]
            params["table2"] = params["table2"][:1]

    def add_entry(self, section: str, line: str) -> None:
        """Add an entry as the first of a section, such as ``variants`` or ``data.sources``."""
        path = self.folder / "params.yaml"
        done, text = "", path.read_text()
        for depth, name in enumerate(section.split(".")):
            head, found, text = re.split(rf"^({'  ' * depth}{name}:.*\n)", text, maxsplit=1, flags=re.M)
            done += head + found
        path.write_text(f"{done}{'  ' * (depth + 1)}{line}\n{text}")

    def restore(self) -> None:
        """Go back to what is committed, as ``git checkout`` and the cache have it: nothing is computed."""
        self.git("checkout", "--quiet", "--", ".")
        done = self.run("python", "-m", "tools.recover")
        assert done.returncode == 0, done.stdout + done.stderr
        self.repro("checkout", "--force")

    def git(self, *arguments: str) -> None:
        done = self.run("git", *arguments)
        assert done.returncode == 0, done.stderr


def load(study: Workspace, path: str) -> dict:
    """Read a JSON file of a study."""
    return json.loads((study.folder / path).read_text())


def table(study: Workspace, path: str) -> pd.DataFrame:
    """Read a table of a study."""
    return pq.read_table(study.folder / path).to_pandas()


def digest(study: Workspace, *paths: str) -> list[str]:
    """Return a hash of each file of a study."""
    return [hashlib.sha256((study.folder / path).read_bytes()).hexdigest() for path in paths]


def copy_repository(folder: Path, profile: str, environment: Mapping[str, str] = ENVIRONMENT) -> Workspace:
    """Copy what git tracks or would track, with a profile as params.yaml, and commit it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    shutil.copy(ROOT / "profiles" / profile, folder / "params.yaml")
    (folder / "dvc.lock").unlink(missing_ok=True)
    workspace = Workspace(folder, environment)
    workspace.git("init", "--quiet")
    workspace.git("add", "--all")
    workspace.git("commit", "--quiet", "--message", "smoke")
    return workspace
