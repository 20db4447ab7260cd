"""Write the fingerprint of every stage's code into fingerprints/: the files that the stages depend on.

Usage: python -m stages.code
"""

from pathlib import Path

from cxrlt_core.designs import PREDICTION
from cxrlt_core.params.schema import Params
from cxrlt_core.study.variants import designs_of
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import write_json
from stages.artifacts.border import run_stage
from stages.artifacts.code import design_code, module_code, modules_of, stage_code, stages, variant_code

FOLDER = Path("fingerprints")


def main(params: Params) -> None:
    """Write a file per stage, per reader of a source or external set, and per variant what trains it."""
    files = {f"{name}.json": stage_code(name) for name in stages()}
    files["settings.json"] = stage_code("settings", whole=True)  # parameters pass through their checks
    files["report.json"] |= module_code("stages.artifacts.monitor")  # shows no score of other code
    files["ensemble.json"] |= design_code(row.method for row in params.table2)
    for section, entries in (("sources", params.data.sources), ("external", params.data.external)):
        for name, source in entries.items():
            code = named_code("cxrlt_core.sources", source.reader, f"data.{section}.{name}.reader")
            files[f"{section}/{name}.json"] = code
    for name in params.variants:
        files[f"variants/{name}.json"] = variant_code(params, name)
        files[f"predictions/{name}.json"] = design_code(designs_of(params, name, PREDICTION))
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
