"""Maps that are read back: the right one of several, and none that is damaged."""

import errno
import json
import re

import numpy as np
import pytest

from napari_ghosthunter.errors import MapError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.mapping.domains import DomainMap

CLASSES = ClassScheme.from_names(["none", "vertical", "horizontal"])


@pytest.fixture
def domain_map():
    return DomainMap(np.random.default_rng(0).dirichlet([1, 1, 1], (5, 4)).astype(np.float32), CLASSES)


def test_one_of_several_maps_is_chosen_by_name(domain_map, tmp_path):
    domain_map.save(tmp_path, "a")
    DomainMap(domain_map.probabilities[:2], CLASSES).save(tmp_path, "b")
    with pytest.raises(MapError, match=r"2 maps.*a, b"):
        DomainMap.load(tmp_path)
    assert DomainMap.load(tmp_path, "b").scan_shape == (2, 4)
    assert DomainMap.load(tmp_path / "b_map.json").scan_shape == (2, 4)
    with pytest.raises(MapError, match="no map 'c'"):
        DomainMap.load(tmp_path, "c")


def test_no_map_is_said(tmp_path):
    with pytest.raises(MapError, match="no whole map"):
        DomainMap.load(tmp_path)
    with pytest.raises(MapError, match="not a folder"):
        DomainMap.load(tmp_path / "nowhere")
    (tmp_path / ".a-x_map.json").write_text("{}")
    with pytest.raises(MapError, match="no whole map"):
        DomainMap.load(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        "{",
        "{}",
        '{"classes": 3}',
        '{"classes": [{"name": "a"}]}',
        '{"classes": [{"name": "a", "colour": "red"}]}',
    ],
)
def test_a_damaged_description_is_said_in_one_line(text, domain_map, tmp_path):
    domain_map.save(tmp_path, "a")
    (tmp_path / "a_map.json").write_text(text)
    with pytest.raises(MapError, match=r"a_map\.json.*damaged") as caught:
        DomainMap.load(tmp_path)
    assert "\n" not in str(caught.value)


ZERO_STEP = {"scan_step": [0, 1], "k_step": [1, 1], "scan_units": "nm", "k_units": "nm"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("calibration", {}),
        ("calibration", None),
        ("calibration", ZERO_STEP),
        ("shape", None),
        ("shape", "x"),
        ("classes", []),
    ],
)
def test_a_description_with_wrong_parts_is_refused(key, value, domain_map, tmp_path):
    domain_map.save(tmp_path, "a")
    content = json.loads((tmp_path / "a_map.json").read_text("utf-8"))
    (tmp_path / "a_map.json").write_text(json.dumps({**content, key: value}))
    with pytest.raises(MapError):
        DomainMap.load(tmp_path)


def test_missing_or_damaged_probabilities_are_said(domain_map, tmp_path):
    data = domain_map.save(tmp_path, "a")[2]
    whole = data.read_bytes()
    for content in (whole[:-5], whole[:40], b"", b"not numpy", b"PK\x03\x04"):
        data.write_bytes(content)
        with pytest.raises(MapError, match="a_probabilities"):
            DomainMap.load(tmp_path)
    np.save(data, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(MapError, match="damaged"):
        DomainMap.load(tmp_path)
    np.save(data, np.zeros((5, 4, 3)))
    with pytest.raises(MapError, match="float32"):
        DomainMap.load(tmp_path)
    np.save(data, np.zeros((4, 5, 3), np.float32))
    with pytest.raises(MapError, match=re.escape("(4, 5, 3)")):
        DomainMap.load(tmp_path)
    data.unlink()
    with pytest.raises(MapError, match="missing"):
        DomainMap.load(tmp_path)


@pytest.mark.parametrize(
    "error",
    [PermissionError(errno.EACCES, "Permission denied"), OSError(errno.EIO, "Input/output error"), MemoryError()],
)
def test_what_is_no_fault_of_the_map_is_not_called_damage(domain_map, tmp_path, monkeypatch, error):
    domain_map.save(tmp_path, "a")

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(np, "load", refuse)
    with pytest.raises(MapError, match="Cannot read .*(Permission denied|Input/output error|more memory)") as raised:
        DomainMap.load(tmp_path, "a")
    assert "damaged" not in str(raised.value)
