"""What equals what: nothing that holds an array is compared by it, and nothing that holds several is one."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest

import napari_ghosthunter as gh
from napari_ghosthunter.errors import GhostHunterError, NotAnArrayError
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.mapping.evaluation import evaluate

SOURCES = Path(gh.__file__).parent
ARRAYS = re.compile(r"\b(?<!Future\[)(NDArray|Tensor|LazyArray|ndarray)\b")


def domain_map() -> gh.DomainMap:
    values = np.random.default_rng(0).dirichlet([1, 1], (3, 4)).astype(np.float32)
    return gh.DomainMap(values, gh.ClassScheme.from_names("ab"))


MAKERS: dict[str, Callable[[], Any]] = {
    "scan": lambda: gh.Scan(np.ones((2, 3, 4, 5), np.uint8)),
    "lazy scan": lambda: gh.Scan(da.ones((2, 3, 4, 5), dtype=np.uint8)),
    "masked scan": lambda: gh.Scan(np.ones((2, 3, 4, 5))).with_mask(np.eye(4, 5)),
    "map": domain_map,
    "simulation": lambda: gh.simulate(gh.SimulationConfig()),
}


def check_identity(one: Any, other: Any) -> None:
    assert one == one  # noqa: PLR0124 - this is what is tried
    assert (one == other) is False
    assert (one != other) is True
    assert other not in [one]
    assert len({one, other, one}) == 2
    assert (one == "something else") is False


@pytest.mark.parametrize("name", MAKERS)
def test_what_holds_arrays_equals_itself_alone(name: str) -> None:
    one = MAKERS[name]()
    check_identity(one, copy.copy(one))


def test_a_model_equals_itself_alone(make_model: Callable[..., Model]) -> None:
    model = make_model()
    check_identity(model, copy.copy(model))
    assert model.hash == copy.copy(model).hash, "which compares what they answer"


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCES)))
def test_no_data_class_compares_arrays(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ClassDef):
            continue
        made = [ast.unparse(one) for one in node.decorator_list]
        holds = [
            ast.unparse(line)
            for line in node.body
            if isinstance(line, ast.AnnAssign)
            and ARRAYS.search(ast.unparse(line.annotation))
            and not (line.value and "compare=False" in ast.unparse(line.value))
        ]
        if any(one.startswith("dataclass") for one in made) and holds:
            assert "eq=False" in made[0], f"{path.name}: {node.name} would compare {holds}"


def test_what_holds_none_is_compared_by_what_it_says() -> None:
    found = [evaluate(domain_map(), np.zeros((3, 4), int), ("a", "b")) for _ in range(2)]
    assert found[0] == found[1]
    for one, other in (
        found,
        (gh.TrainingConfig(), gh.TrainingConfig()),
        (gh.TrainingConfig(symmetries={"flip_x": {"a": "b"}}), gh.TrainingConfig(symmetries={"flip_x": {"a": "b"}})),
        (gh.Calibration((1, 2), "nm"), gh.Calibration((1, 2), "nm")),
    ):
        assert one == other
        assert len({one, other}) == 1


def test_labels_equal_what_has_the_same_labels_and_are_no_key() -> None:
    labels = gh.LabelSet(gh.ClassScheme.from_names("ab"), labels={(1, 2): "a"})
    assert labels == gh.LabelSet(gh.ClassScheme.from_names("bac"), (9, 9), {(1, 2): "a"}) == {(1, 2): "a"}
    assert labels != {(1, 2): "b"}
    with pytest.raises(TypeError, match="unhashable"):
        hash(labels)


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (MAKERS["scan"], r"scan\.block.*scan\.data"),
        (MAKERS["lazy scan"], r"scan\.block.*scan\.data"),
        (domain_map, r"map\.classes_image.*map\.probabilities"),
        (lambda: gh.LabelSet(gh.ClassScheme.from_names("a"), labels={(0, 0): "a"}), r"labels\.to_arrays\(\)"),
    ],
)
@pytest.mark.parametrize(
    "use",
    [
        np.asarray, np.array, np.mean, lambda one: np.asarray(one, np.float32), lambda one: np.array([one, one]),
        lambda one: np.add(one, 1), lambda one: np.array(one, copy=True),
    ],
)  # fmt: skip
def test_numpy_is_told_what_to_take(make: Callable[[], Any], hint: str, use: Callable[[Any], Any]) -> None:
    with pytest.raises(NotAnArrayError, match=hint) as refused:
        use(make())
    assert isinstance(refused.value, GhostHunterError)
    assert isinstance(refused.value, TypeError), "what numpy raises itself"
    assert "\n" not in str(refused.value)
