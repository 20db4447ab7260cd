"""Where the base variant looks on one external set: scored where boxes say where findings lie.

Usage: python -m stages.external_attention <external set>
"""

import numpy as np

from cxrlt_core.params.schema import Params
from cxrlt_core.study.variants import resolved
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json, write_json
from stages.artifacts.border import run_stage
from stages.artifacts.looking import external_attention


def main(params: Params, name: str) -> None:
    """Write metrics/attention/<name>.json: nothing for a set without boxes, or one that has been seen."""
    if name not in params.data.boxes:
        write_json(external_attention(name), None)
        return
    from stages.artifacts.external import open_external, read_external, trained_on  # late: torch
    from stages.artifacts.places import find_places
    from stages.attention import look, score, unscored

    base = params.reweight.base
    data, image = read_external(name, list(read_json("data/sets/classes.json"))), resolved(params, base).image
    places = find_places(params, name, data, image)
    struck = trained_on(params, data).get(base)
    content = unscored(params, places, f"{base} {struck}" if struck else None)
    positions = np.unique(places.table["position"])
    if len(positions) and not struck:
        try:
            maps = look(params, open_external(data, params, image), positions)
            content |= score(params, data, positions, maps, places)
        except StudyError as error:  # of an encoder without a grid; the study goes on
            content["reason"] = str(error)
    write_json(external_attention(name), content)
    print(f"{name}: {len(content['classes'])} classes scored by where {base} looks")


if __name__ == "__main__":
    run_stage(main)
