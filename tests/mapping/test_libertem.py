"""The UDF on LiberTEM's executors gives the map that `segment` gives; live, too."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_ghosthunter.errors import GhostHunterError, ModelError
from napari_ghosthunter.learning.modelfile import save_model
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.beam import BeamCentre
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.virtual.means import measure_scan_beam


@pytest.fixture(scope="module")
def api():
    """Give LiberTEM's API, or skip."""
    return pytest.importorskip("libertem.api", reason="needs the extra 'libertem'")


@pytest.fixture(scope="module")
def udf(api):
    from napari_ghosthunter.mapping.libertem import GhostHunterUDF

    return GhostHunterUDF


@pytest.fixture(scope="module")
def context(api):
    with api.Context.make_with("inline") as context:
        yield context


@pytest.fixture(scope="module")
def cube():
    """Spread disks of any brightness: patterns that differ, and a direct beam off the middle; 7 x 75 positions."""
    rng = np.random.default_rng(0)
    k_y, k_x = np.ogrid[:16, :16]
    beam = 200 * (np.hypot(k_y - 9, k_x - 6) < 3)
    return rng.poisson(beam + rng.uniform(1, 30, (7, 75, 16, 16))).astype(np.uint16)


def run(context, udf, cube, **options):
    return context.run_udf(dataset=context.load("memory", data=cube, sig_dims=2, num_partitions=4), udf=udf, **options)


def assert_same(results, expected):
    np.testing.assert_allclose(results["probabilities"].data, expected.probabilities, rtol=0, atol=1e-5)
    assert np.array_equal(results["classes"].data, expected.classes_image)
    np.testing.assert_allclose(np.nan_to_num(results["confidence"].data), expected.confidence, rtol=0, atol=1e-5)


@pytest.mark.parametrize("executor", ["inline", "threads", "pipelined", pytest.param("dask", marks=pytest.mark.slow)])
def test_the_map_is_that_of_segment(api, udf, cube, make_model, executor):
    model = make_model()
    choices = {} if executor == "inline" else {"cpus": 2}
    with api.Context.make_with(executor, **choices) as context:
        results = run(context, udf(model), cube)
    assert_same(results, segment(Scan(cube), model, device="cpu"))
    assert results["probabilities"].data.dtype == np.float32
    assert results["classes"].data.dtype == np.uint8
    assert not results["nonfinite"].data.any()
    assert DomainMap(results["probabilities"].data, model.classes).scan_shape == (7, 75)


def test_the_file_that_libertem_opens(context, udf, cube, make_model, tmp_path):
    np.save(tmp_path / "scan.npy", cube)
    results = context.run_udf(dataset=context.load("npy", path=str(tmp_path / "scan.npy")), udf=udf(make_model()))
    assert_same(results, segment(Scan(cube), make_model(), device="cpu"))


def test_patterns_that_libertem_hands_out_bottom_up(context, udf, cube, make_model, tmp_path):
    path = _write_merlin(tmp_path / "scan.mib", cube)
    dataset = context.load("mib", path=str(path), nav_shape=(7, 75))
    expected = segment(open_scan(path, scan_shape=(7, 75)), make_model(), device="cpu")
    assert_same(context.run_udf(dataset=dataset, udf=udf(make_model(), bottom_up=True)), expected)


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i4", "f4", "f8"])
def test_any_type_of_patterns(context, udf, cube, make_model, dtype):
    converted = np.minimum(cube, 200).astype(dtype)
    assert_same(run(context, udf(make_model()), converted), segment(Scan(converted), make_model(), device="cpu"))


def test_positions_outside_a_region_have_no_data(context, udf, cube, make_model):
    wanted = np.random.default_rng(1).random((7, 75)) < 0.3
    results = run(context, udf(make_model()), cube, roi=wanted)
    expected = segment(Scan(cube), make_model(), device="cpu").without(~wanted)
    assert_same(results, expected)
    assert np.isnan(results["probabilities"].data[~wanted]).all()
    nothing = run(context, udf(make_model()), cube, roi=np.zeros((7, 75), bool))
    assert not nothing["classes"].data.any()


def test_pixels_that_are_no_numbers_count_as_zero(context, udf, cube, make_model):
    odd = cube.astype(np.float32)
    odd[2, 3, 0, :2] = np.nan, np.inf
    results = run(context, udf(make_model()), odd)
    odd[2, 3, 0, :2] = 0
    assert_same(results, segment(Scan(odd), make_model(), device="cpu"))
    assert results["nonfinite"].data[2, 3] == results["nonfinite"].data.sum() == 2


def test_the_bad_pixels_of_the_model_are_left_out(context, udf, cube, make_model):
    model = make_model(bad_pixels=((0, 20), (100, 5)))
    expected = segment(Scan(cube), model, device="cpu")
    assert_same(run(context, udf(model), cube), expected)
    assert not np.array_equal(expected.probabilities, segment(Scan(cube), make_model(), device="cpu").probabilities)


def test_crops(context, udf, cube, make_model):
    middle = make_model(crop=0.5, centre="detector", size=8 * 2)
    assert_same(run(context, udf(middle), cube), segment(Scan(cube), middle, device="cpu"))
    around = make_model(crop=0.5, centre="beam", size=8 * 2)
    expected = segment(Scan(cube), around, device="cpu")
    beam = measure_scan_beam(Scan(cube))
    assert_same(run(context, udf(around, beam=beam), cube), expected)
    elsewhere = run(context, udf(around, beam=BeamCentre(3, 12, 3)), cube)
    assert not np.allclose(elsewhere["probabilities"].data, expected.probabilities, atol=1e-3)


def test_the_beam_must_be_told_where_it_counts(udf, make_model):
    with pytest.raises(ModelError, match="say where that is"):
        udf(make_model(crop=0.5, centre="beam"))


def test_models_that_pool_are_refused(udf, make_model):
    with pytest.raises(ModelError, match=r"\(mean, 3 x 3\).*train one with the pooling 'none'"):
        udf(make_model(pool="mean", pool_size=3))
    udf(make_model(pool="mean", pool_size=1))  # the pattern itself


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda cube: cube[..., :12], "16 x 16 pixels, but those of this dataset have 16 x 12"),
        (lambda cube: cube.astype(np.complex64), "not complex64"),
    ],
)
def test_patterns_that_do_not_fit(context, udf, cube, make_model, change, said):
    with pytest.raises(ModelError, match=said):
        run(context, udf(make_model()), change(cube))


def test_without_libertem_it_is_said_what_to_install(monkeypatch):
    name = "napari_ghosthunter.mapping.libertem"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "libertem", None)
    monkeypatch.setitem(sys.modules, "libertem.udf", None)
    with pytest.raises(GhostHunterError, match=r"pip install 'napari-ghosthunter\[libertem\]'"):
        importlib.import_module(name)


@pytest.mark.slow
def test_the_example_of_the_documentation_runs(api, cube, make_model, tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "libertem.md").read_text(encoding="utf-8")
    example = re.search(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "example.py").write_text(example[1], encoding="utf-8")
    np.save(tmp_path / "scan.npy", cube)
    save_model(make_model(), tmp_path / "model.safetensors")
    subprocess.run([sys.executable, "example.py"], cwd=tmp_path, check=True)
    saved = DomainMap.load(tmp_path / "maps", "scan")
    np.testing.assert_allclose(saved.probabilities, _map(cube, make_model).probabilities, rtol=0, atol=1e-5)


# ---- live ----


@pytest.fixture(scope="module")
def live():
    """Give a context of LiberTEM-live with its worker processes, or skip."""
    api = pytest.importorskip("libertem_live.api", reason="needs LiberTEM-live")
    from libertem.executor.pipelined import PipelinedExecutor

    with api.LiveContext(executor=PipelinedExecutor(PipelinedExecutor.make_spec(cpus=2, cudas=0))) as context:
        yield context


def test_a_live_acquisition_from_memory(live, udf, cube, make_model):
    with live.make_connection("memory").open(data=cube) as connection:
        acquisition = live.make_acquisition(conn=connection, nav_shape=(7, 75))
        assert_same(live.run_udf(dataset=acquisition, udf=udf(make_model())), _map(cube, make_model))


def test_a_simulated_merlin_fills_the_map_step_by_step(live, udf, cube, make_model, tmp_path):
    from libertem_live.detectors.merlin.sim import CameraSim

    path = _write_merlin(tmp_path / "scan.mib", cube)
    camera = CameraSim(str(path), (7, 75), host="127.0.0.1", data_port=0, control_port=0, trigger_port=0)
    camera.start()
    try:
        camera.wait_for_listen()
        ports = {"api_port": camera.control_t.port, "data_port": camera.server_t.port}
        builder = live.make_connection("merlin")
        with builder.open(api_host="127.0.0.1", data_host="127.0.0.1", drain=False, **ports) as connection:
            acquisition = live.make_acquisition(conn=connection, nav_shape=(7, 75), frames_per_partition=100)
            seen = []
            for step in live.run_udf_iter(dataset=acquisition, udf=udf(make_model(), bottom_up=True)):
                results = step.buffers[0]
                seen.append(int(np.count_nonzero(results["classes"].data)))
    finally:
        camera.stop()
    assert len(seen) > 1
    assert sorted(set(seen)) == seen
    assert 0 < seen[0] < seen[-1] == 7 * 75
    assert_same(results, _map(cube, make_model))


def _map(cube, make_model):
    return segment(Scan(cube), make_model(), device="cpu")


def _write_merlin(path, cube):
    """Write a scan as a Merlin does: text before each pattern, big-endian, the lowest row first."""
    height, width = cube.shape[2:]
    with path.open("wb") as file:
        for number, pattern in enumerate(cube.reshape(-1, height, width), 1):
            text = (
                f"MQ1,{number:06d},00384,01,{width:04d},{height:04d},U16,   1x1,01,2021-04-15 15:01:38.996867,0.001000,"
                f"0,0,0,{','.join(['2.000000E+0'] * 8)},3RX,{','.join(['011'] * 27)},MQ1A,"
                "2021-04-15T14:01:38.996867651Z,1000000ns,12,"
            )
            file.write(text.encode().ljust(384, b"\0"))
            file.write(pattern[::-1].astype(">u2").tobytes())
    lines = [
        "Counter Depth (number):\t12",
        f"Frames in Acquisition (Number):\t{cube.shape[0] * cube.shape[1]}",
        f"Frames per Trigger (Number):\t{cube.shape[1]}",
    ]
    path.with_suffix(".hdr").write_text("\n".join(["HDR,\t", *lines, "End\t"]).ljust(2048))
    return path
