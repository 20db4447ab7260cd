"""Write reports/data.md, which needs no training: the contents of the sources and of the sets.

Usage: python -m stages.describe
"""

from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.data_report import render_data
from cxrlt_core.results.data import ClassInfo, Data
from cxrlt_core.system.files import write_text
from cxrlt_core.system.records import read_record
from stages.artifacts.border import run_stage


def main(params: Params) -> None:
    """Write reports/data.md."""
    data, classes = (
        read_record(Data, "data/summary.json"),
        read_record(dict[str, ClassInfo], "data/sets/classes.json"),
    )
    write_text("reports/data.md", render_data(params, data, classes))
    print("The data are described in reports/data.md")


if __name__ == "__main__":
    run_stage(main)
