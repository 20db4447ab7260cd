"""Write the tables, the figures, the report with its appendix, and both as one file, reports/report.html.

Usage: python -m stages.report
"""

from cxrlt_core.figures import draw_figures
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.answer_report import answer_text
from cxrlt_core.reporting.notes import caveat
from stages.artifacts.border import run_stage
from stages.artifacts.pages import save_pictures, write_numbers, write_report
from stages.artifacts.results import read_results


def main(params: Params) -> None:
    """Write reports/."""
    results = read_results(params)
    write_numbers(results)
    pictures = draw_figures(results)
    save_pictures(pictures, caveat(params))
    write_report(results, pictures)
    print(answer_text(results))
    print("The report is in reports/report.html and reports/report.md")


if __name__ == "__main__":
    run_stage(main)
