"""The image files that packing is to read, with the size and time that each had at the last look."""

from pathlib import Path

import pandas as pd

from cxrlt_core.packing.files import file_stamps, find_files
from cxrlt_core.params.schema import Params
from cxrlt_core.sources import find_reader
from cxrlt_core.system.files import read_parquet
from stages.artifacts.paths import watched_path


def look(params: Params, source: str) -> pd.DataFrame:
    """Return the images of a source: ``image_id``, ``path`` and ``stamp``, in the order of their labels.

    A file that is not there keeps the stamp of the last look, if it has one: images may go once they are
    packed, and be out of reach where a study only goes on.
    """
    images = read_parquet(f"data/labels/{source}.parquet", ["image_id", "path"])
    folders = find_reader(params.data.sources[source].reader).IMAGE_FOLDERS
    files = find_files(images["path"].tolist(), Path(params.data.sources[source].images), folders)
    now = pd.Series(file_stamps(files), dtype="string")
    last = last_look(source).set_index("image_id")["stamp"].reindex(images["image_id"])
    return images.assign(stamp=now.fillna(pd.Series(last.array, dtype="string")))


def last_look(source: str) -> pd.DataFrame:
    """Return what :func:`look` returned when the pipeline last ran, no rows if it has not yet."""
    path, columns = watched_path(source), ["image_id", "path", "stamp"]
    return read_parquet(path, columns) if path.exists() else pd.DataFrame(columns=columns, dtype="string")
