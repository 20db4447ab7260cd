"""Files of the hub's repositories, at a commit that is known."""

import logging
from collections.abc import Sequence
from pathlib import Path

from cxrlt_core.system.errors import StudyError


def fetch_files(repository: str, revision: str | None, patterns: Sequence[str]) -> Path:
    """Bring files of a repository into the cache of the hub's library; without network, take what lies there.

    Files whose names match no pattern are not fetched; no revision is the main branch. Returns the folder
    of the files, named by their commit; StudyError when the repository or the revision cannot be had.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import disable_progress_bars

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # no line per retry
    disable_progress_bars()
    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(patterns)))
    except Exception as error:  # the hub's library and the network's raise many kinds
        raise StudyError(" ".join(str(error).split()) or type(error).__name__) from None
