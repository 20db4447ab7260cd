"""Write the fingerprint of every stage's code into fingerprints/: the files that the stages depend on.

Usage: python -m stages.code
"""

from pathlib import Path

from cxrlt_core.params.schema import Params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import write_json
from stages.artifacts.border import run_stage
from stages.artifacts.code import module_code, modules_of, stage_code, stages

FOLDER = Path("fingerprints")


def main(params: Params) -> None:
    """Write a file per stage, per reader in ``data.sources`` and per entry of ``losses``."""
    files = {f"{name}.json": stage_code(name) for name in stages()}
    for name in params.data.sources:
        files[f"sources/{name}.json"] = named_code("cxrlt_core.sources", name, f"data.sources.{name}")
    for name, loss in params.losses.items():
        files[f"losses/{name}.json"] = named_code("cxrlt_core.losses", loss.kind, f"losses.{name}.kind")
    for path in FOLDER.rglob("*.json"):
        if str(path.relative_to(FOLDER)) not in files:
            path.unlink()
    for file, modules in files.items():
        write_json(FOLDER / file, modules)


def named_code(package: str, module: str, key: str) -> dict[str, str]:
    """Return the fingerprints of a module that params.yaml names.

    Raises:
        StudyError: when there is none of that name.
    """
    if module not in modules_of(package):
        raise StudyError(f"{key}: no module {module} in {package.replace('.', '/')}/")
    return module_code(f"{package}.{module}")


if __name__ == "__main__":
    run_stage(main)
