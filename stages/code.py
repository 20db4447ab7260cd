"""Write what the code of every stage means into fingerprints/: the files that the stages depend on.

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
    """Write a file a stage, a reader that ``data.sources`` names, and for each variant what trains it."""
    described = {f"{name}.json": stage_code(name) for name in stages()}
    described["settings.json"] |= module_code("cxrlt_core.study.gather")  # says in full what params.yaml says
    described["ensemble.json"] |= design_code(row.method for row in params.table2)
    for name in params.data.sources:
        described[f"sources/{name}.json"] = chosen("cxrlt_core.sources", name, f"data.sources.{name}")
    for name in params.variants:
        described[f"variants/{name}.json"] = variant_code(params, name)
        described[f"predictions/{name}.json"] = design_code(designs_of(params, name, PREDICTION))
    for path in FOLDER.rglob("*.json"):
        if str(path.relative_to(FOLDER)) not in described:
            path.unlink()
    for file, modules in described.items():
        write_json(FOLDER / file, modules)


def chosen(package: str, module: str, key: str) -> dict[str, str]:
    """Describe a module that params.yaml names.

    Raises:
        StudyError: when there is none of that name.
    """
    if module not in modules_of(package):
        raise StudyError(f"{key}: no module {module} in {package.replace('.', '/')}/")
    return module_code(f"{package}.{module}")


if __name__ == "__main__":
    run_stage(main)
