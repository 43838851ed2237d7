"""Where a map comes from, in files that hold something else."""

from __future__ import annotations

import json

from napari_ghosthunter.mapping.contents import MapContents

ORIGIN = "provenance"  # what it is called there


def origin_line(domain_map: MapContents) -> str:
    """Give the provenance as one line of JSON; its hash names the model wherever it lies, as in a sitting."""
    told = {key: value for key, value in domain_map.provenance.items() if key != "model_path"}
    return json.dumps(told, ensure_ascii=False, allow_nan=False)
