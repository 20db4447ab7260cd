"""How the processes of pytest-xdist share the tests, see ``make test``, and what all tests start from."""

import gc
import os
import signal

from xdist.scheduler import LoadFileScheduling

#: Its tests share one run of the smoke study, so one process takes them all.
SMOKE = "tests/pipeline/smoke/"


signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores Ctrl-C
os.environ["DVC_NO_ANALYTICS"] = "1"  # of which each command would leave a file in the temporary folder


class SmokeTogether(LoadFileScheduling):
    """A process takes a file at a time, or all that is done to the smoke study."""

    def _split_scope(self, nodeid: str) -> str:
        return SMOKE if nodeid.startswith(SMOKE) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return SmokeTogether(config, log)


def pytest_collection_modifyitems(items):
    """Begin with what takes long: the smoke study, then the rest of the pipeline."""
    items.sort(key=lambda item: (not item.nodeid.startswith(SMOKE), "pipeline" not in item.path.parts))


def pytest_collection_finish():
    """What has been imported is no garbage: looking through it takes half a second each time."""
    gc.freeze()
