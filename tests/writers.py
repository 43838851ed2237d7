"""Everything that writes a file for a user, and a process that writes with all of them until it is killed.

`python -m tests.writers FOLDER MODEL SEED` waits for a line on stdin for each round. In a round a child of it writes
file after file, in one of two versions by chance, and is killed at a random moment.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labelfiles import write_labels, write_points
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.labelling.sampling import Round, next_round
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.modelfile import load_model, save_model
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.export import save_file, save_map
from napari_ghosthunter.mapping.overview import save_overview
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.bundle import save_bundle
from napari_ghosthunter.session.earlier import Earlier
from napari_ghosthunter.session.session import Session

SHAPE = (40, 60)
SCAN = Scan(np.zeros((*SHAPE, 2, 2), np.uint16))
VERSIONS = 2


@dataclass(frozen=True)
class Content:
    """What is written."""

    domain_map: DomainMap
    labels: LabelSet
    points: Round
    model: Model

    @property
    def session(self) -> Session:
        """All of it as a session."""
        return Session(SCAN, self.labels, earlier=Earlier(model=self.model, domain_map=self.domain_map))


def content(version: int, model: Model) -> Content:
    """Make something to write, of which each version differs in every file."""
    names = ("none", "vertical", "horizontal")
    classes = ClassScheme.from_names(names).recolour("none", f"#00000{version}")
    probabilities = np.random.default_rng(version).dirichlet([1, 1, 1], SHAPE).astype(np.float32)
    spots = [(y, x) for y in range(SHAPE[0]) for x in range(0, SHAPE[1], 3)]
    labels = LabelSet(classes, SHAPE, {(y, x): names[(y + x + version) % 3] for y, x in spots})
    record = model.record.model_copy(update={"best_epoch": version + 1})
    model = Model(model.classes, model.network, model.patterns, model.weights, record)
    return Content(
        DomainMap(probabilities, classes, provenance={"version": version}),
        labels, next_round(LabelSet(), SHAPE, 2 + version), model,
    )  # fmt: skip


Write = Callable[[Path, Content], object]
MAP, BUNDLE = "scan", "work.ghosthunter"
WRITERS: dict[str, Write] = {
    MAP: lambda path, content: save_map(content.domain_map, path.parent, path.name, overwrite=True),
    **{
        f"one{ending}": lambda path, content: save_file(content.domain_map, path, overwrite=True)
        for ending in (".tif", ".png", ".csv", ".h5")
    },
    "labels.csv": lambda path, content: write_labels(path, content.labels),
    "points.csv": lambda path, content: write_points(path, content.points.proposals),
    "model.safetensors": lambda path, content: save_model(content.model, path),
    "overview.png": lambda path, content: save_overview(
        path, {"Map": content.domain_map.rgb}, content.domain_map.classes
    ),
    BUNDLE: lambda path, content: save_bundle(content.session, path, overwrite=True),
}


def main() -> None:
    """Write and be killed, round by round."""
    folder, model, chance = Path(sys.argv[1]), load_model(sys.argv[2]), random.Random(sys.argv[3])
    contents = [content(version, model) for version in range(VERSIONS)]
    for _line in sys.stdin:
        process = os.fork()
        if process == 0:
            while True:
                name = chance.choice(list(WRITERS))
                WRITERS[name](folder / name, chance.choice(contents))
        time.sleep(chance.uniform(0.02, 0.3))
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        chance.random()  # the child drew from a copy
        sys.stdout.write(f"{os.WTERMSIG(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
