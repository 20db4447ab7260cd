"""Run a stage's module and write the CPU seconds of its start, and of all of it when it ended.

Usage: python start_probe.py OUT import|run stages.NAME [ITEM]
"""

import builtins
import importlib
import json
import os
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path


class ImportClock:
    """CPU seconds of this process inside imports, at the top of modules or in functions."""

    def __init__(self) -> None:
        """Start with the CPU seconds of the interpreter so far."""
        self.spent = time.process_time()
        self._inside = False

    def __call__(self, imports: Callable) -> Callable:
        """Wrap a function that imports; the imports that an import makes are counted once."""

        def timed(*args: object, **kwargs: object) -> object:
            if self._inside:
                return imports(*args, **kwargs)
            self._inside, start = True, time.process_time()
            try:
                return imports(*args, **kwargs)
            finally:
                self.spent += time.process_time() - start
                self._inside = False

        return timed


def main() -> None:
    """Import a module, or run it as ``python -m`` would."""
    out, mode, module, *arguments = sys.argv[1:]
    sys.path[0], sys.argv = os.getcwd(), [module, *arguments]
    clock = ImportClock()
    builtins.__import__ = clock(builtins.__import__)
    importlib.import_module = clock(importlib.import_module)
    if mode == "import":
        importlib.import_module(module)
    else:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    record = {"start": clock.spent, "modules": sorted(sys.modules), "done": time.process_time()}
    Path(out).write_text(json.dumps(record))


if __name__ == "__main__":
    main()
