"""Files of hub models, at a commit that is known."""

import logging
from collections.abc import Sequence
from pathlib import Path

from cxrlt_core.system.errors import StudyError, reason


def fetch(repository: str, names: Sequence[str], revision: str | None, key: str) -> tuple[Path, str]:
    """Return the first of some files that a repository has, out of the hub's cache where it lies there.

    Args:
        repository: ``organisation/name``.
        names: of files, the preferred one first.
        revision: commit, tag or branch; None is the main branch.
        key: what asks for it in params.yaml, for messages.

    Returns:
        The file, and the commit that it is from.

    Raises:
        StudyError: when none can be fetched.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # no line per retry
    try:
        for name in names:
            try:
                file = Path(hf_hub_download(repository, name, revision=revision))
            except EntryNotFoundError:
                if name == names[-1]:
                    raise
            else:
                return file, file.parts[file.parts.index("snapshots") + 1]
    except Exception as error:  # of the network, the cache, the name; all come from this one setting
        what = f"{' or '.join(names)} of {repository!r}"
        raise StudyError(f"{key}: cannot fetch {what}: {reason(error)}") from None
    raise StudyError(f"{key}: no file of {repository!r} is asked for")
