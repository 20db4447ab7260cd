"""Remove what removed entries of params.yaml have left behind.

Usage: python -m tools.leftovers
"""

from stages.artifacts.border import run_stage
from stages.artifacts.leftovers import remove_leftovers

if __name__ == "__main__":
    run_stage(remove_leftovers)
