"""The map of a cluster is the local one, byte for byte, whatever happens to the workers."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
from functools import partial

import h5py
import numpy as np
import pytest
import torch

from napari_ghosthunter.errors import ClusterError, ModelError, TrainingError
from napari_ghosthunter.mapping import cluster, worker
from napari_ghosthunter.mapping.batch import map_scans
from napari_ghosthunter.mapping.cluster import ranks, segment_on, segment_rows_on, task_rows
from napari_ghosthunter.mapping.connections import connected
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Scan

distributed = pytest.importorskip("distributed")
from benchmarks.local_cluster import local_cluster  # noqa: E402 - which imports it

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def client():
    """Two processes with a thread each, for all tests here; they take seconds to start."""
    with local_cluster(2) as found:
        yield found


def cube(shape=(24, 70, 16, 16), dtype="uint16"):
    """Rows of a whole batch of patterns and a part of one, with a beam off the middle."""
    k_y, k_x = np.ogrid[: shape[2], : shape[3]]
    disk = 40 * (np.hypot(k_y - shape[2] / 2 - 2, k_x - shape[3] / 2 + 1) < 3)
    return np.random.default_rng(0).poisson(5 + disk, shape).astype(dtype)


@pytest.fixture
def scan(tmp_path):
    np.save(tmp_path / "scan.npy", cube())
    return open_scan(tmp_path / "scan.npy")


def eventually(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


# ---- the same map ----


@pytest.mark.parametrize(
    "choices",
    [{}, {"pool": "mean", "pool_size": 3}, {"pool": "max", "pool_size": 5}, {"crop": 0.6, "centre": "beam"}],
    ids=["none", "3x3", "5x5", "crop"],
)
def test_the_map_is_the_local_one(client, make_model, scan, choices):
    model, seen = make_model(**choices), []
    mapped = segment_on(client, scan, model, device="cpu", progress=lambda done, of: seen.append((done, of)))
    local = segment(scan, model, device="cpu")
    assert mapped.probabilities.tobytes() == local.probabilities.tobytes()
    assert (mapped.provenance, mapped.calibration, mapped.classes) == (
        local.provenance,
        local.calibration,
        local.classes,
    )
    assert np.ptp(local.probabilities) > 1e-3
    assert len(seen) > 2  # more than one task for a worker
    assert seen == sorted(seen)
    assert seen[-1] == (24, 24)


def test_bad_pixels_are_left_out_by_the_workers_too(client, make_model, scan):
    bad = np.zeros((16, 16), bool)
    bad[6:9, :5] = True
    masked = scan.with_mask(bad)
    model = make_model(bad_pixels=((0, 20),))
    mapped = segment_on(client, masked, model, device="cpu")
    local = segment(masked, model, device="cpu")
    assert mapped.probabilities.tobytes() == local.probabilities.tobytes()
    assert mapped.probabilities.tobytes() != segment(scan, model, device="cpu").probabilities.tobytes()


@pytest.mark.parametrize("threads", [2, 3])
def test_a_local_map_in_several_threads_is_the_same(client, make_model, scan, monkeypatch, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
    torch.set_num_threads(threads)
    model = make_model()
    local = segment(scan, model, device="cpu")
    torch.set_num_threads(1)
    assert segment_on(client, scan, model, device="cpu").probabilities.tobytes() == local.probabilities.tobytes()


def test_a_worker_opens_the_file_in_the_way_it_was_opened(client, make_model, tmp_path):
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["a/patterns"] = cube((5, 7, 16, 16)).reshape(35, 16, 16)
        file["b/patterns"] = np.zeros((35, 16, 16), "u2")
    scan = open_scan(tmp_path / "scan.h5", dataset="a/patterns", scan_shape=(5, 7))
    mapped = segment_on(client, scan, make_model(), device="cpu")
    assert np.array_equal(mapped.probabilities, segment(scan, make_model(), device="cpu").probabilities)


def test_pixels_that_are_no_numbers_are_counted_once(client, make_model, tmp_path):
    data = cube((20, 5, 16, 16), "float32")
    data[::2, 1, 4, 4] = np.nan
    np.save(tmp_path / "scan.npy", data)
    scan, model = open_scan(tmp_path / "scan.npy"), make_model(pool="mean", pool_size=3)
    with pytest.warns(UserWarning, match="10 detector pixels") as told:
        mapped = segment_on(client, scan, model, device="cpu")
    assert told[0].filename == __file__
    assert mapped.provenance["nonfinite_pixels"] == 10
    assert [band.nonfinite for band in segment_rows_on(client, scan, model, device="cpu")][-1] == 10


def test_many_scans_on_a_cluster(client, make_model, tmp_path):
    for name in ("one", "two"):
        np.save(tmp_path / f"{name}.npy", cube((4, 6, 16, 16)))
    files = [tmp_path / "one.npy", tmp_path / "none.npy", tmp_path / "two.npy"]
    on_workers = partial(segment_rows_on, client)
    ends = {
        report.index: report
        for report in map_scans(
            make_model(), files, tmp_path / "maps", device="cpu", segmenter=on_workers, neighbours=1.0
        )
        if report.finished
    }
    assert "no file" in ends[1].error
    for index in (0, 2):
        local = segment(open_scan(files[index]), make_model(), device="cpu").with_neighbours(1.0)
        assert ends[index].domain_map.probabilities.tobytes() == local.probabilities.tobytes()
        assert ends[index].domain_map.provenance == local.provenance
        assert len(ends[index].written) == 7


# ---- workers and callers that go ----


def test_a_worker_that_is_killed_changes_nothing(client, make_model, tmp_path):
    np.save(tmp_path / "scan.npy", cube((48, 70, 32, 32)))
    scan, model = open_scan(tmp_path / "scan.npy"), make_model((32, 32), size=32, pool="mean", pool_size=3)
    local = segment(scan, model, device="cpu")
    bands = segment_rows_on(client, scan, model, device="cpu")
    first = next(bands)
    assert first.stop < 8
    victim = sorted(client.run(os.getpid).values())[0]
    os.kill(victim, signal.SIGKILL)
    mapped = np.concatenate([first.probabilities, *(band.probabilities for band in bands)])
    assert mapped.tobytes() == local.probabilities.tobytes()
    assert eventually(lambda: len(client.nthreads()) == 2)
    assert victim not in client.run(os.getpid).values()


def test_leaving_the_loop_takes_the_work_back(client, make_model, scan):
    def tasks():
        return client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))

    bands = segment_rows_on(client, scan, make_model(), device="cpu")
    next(bands)
    assert tasks() > 0
    bands.close()
    assert eventually(lambda: tasks() == 0)


def test_nothing_is_kept_after_a_map(client, make_model, scan):
    segment_on(client, scan, make_model(), device="cpu")
    assert eventually(lambda: client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) == 0)
    assert eventually(lambda: not any(client.run(lambda: len(sys.modules[worker.__name__]._OPEN)).values()))


def test_a_caller_who_waits_can_give_up(client, make_model, scan, monkeypatch):
    waits, began = [], time.monotonic()
    monkeypatch.setattr(cluster, "classify", _sleep)
    bands = segment_rows_on(client, scan, make_model(), device="cpu", stopped=lambda: waits.append(1) or len(waits) > 2)
    with pytest.raises(ClusterError, match="was stopped"):
        next(bands)
    assert len(waits) == 3
    assert time.monotonic() - began < 4
    assert eventually(lambda: client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) == 0)


def test_rows_that_come_slowly_are_waited_for(client, make_model, scan, monkeypatch):
    """Who gives up fetching before it has begun leaves Dask with a fetching that never ends for those who ask again."""
    fetch = distributed.Client._gather_remote

    async def slowly(*args):
        await asyncio.sleep(0.05)
        return await fetch(*args)

    monkeypatch.setattr(distributed.Client, "_gather_remote", slowly)
    monkeypatch.setattr(cluster, "ASK_S", 0.01)
    there = segment_on(client, scan, make_model(), device="cpu")
    assert there.probabilities.tobytes() == segment(scan, make_model(), device="cpu").probabilities.tobytes()


def test_a_disk_that_does_not_answer_in_time_is_no_wait(client, make_model, scan, monkeypatch):
    monkeypatch.setattr(cluster, "classify", _time_out)
    with pytest.raises(ClusterError, match=r"cannot read or write a file \(the disk\)"):
        segment_on(client, scan, make_model(), device="cpu")


def _sleep(*_, job):
    time.sleep(5)


def _time_out(*_, job):
    raise TimeoutError("the disk")


# ---- refusals ----


def test_a_scan_from_no_file_is_refused_at_once(client, make_model):
    with pytest.raises(ClusterError, match=r"came from no file.*numpy.save"):
        segment_rows_on(client, Scan(cube()), make_model())


def test_a_scan_of_another_detector_is_refused_at_once(client, make_model, scan):
    with pytest.raises(ModelError, match="32 x 32 pixels"):
        segment_rows_on(client, scan, make_model((32, 32)))


def test_a_file_that_a_worker_does_not_find(client, make_model, scan):
    scan.provenance.path.rename(scan.provenance.path.with_name("moved.npy"))
    with pytest.raises(ClusterError, match=r"worker tcp://\S+ cannot open the scan: There is no file .* same path"):
        segment_on(client, scan, make_model(), device="cpu")


def test_another_file_in_its_place(client, make_model, scan):
    scan.provenance.path.unlink()
    np.save(scan.provenance.path, cube((20, 70, 16, 16)))
    with pytest.raises(ClusterError, match=r"another scan in .*\(20, 70, 16, 16\)"):
        segment_on(client, scan, make_model(), device="cpu")


def test_a_device_that_no_worker_has(client, make_model, scan):
    with pytest.raises(TrainingError, match="no device 'abacus'"):
        segment_on(client, scan, make_model(), device="abacus")


def test_workers_with_other_versions_are_told_of_once(client, make_model, scan, monkeypatch):
    monkeypatch.setattr(cluster, "versions", lambda: {"napari-ghosthunter": "0", "torch": torch.__version__})
    with pytest.warns(UserWarning, match=r"worker has napari-ghosthunter \S+ \(here 0\)") as told:
        segment_on(client, scan, make_model(), device="cpu")
    assert len(told) == 1
    heard = []
    list(segment_rows_on(client, scan, make_model(), device="cpu", tell=heard.append))
    assert [words[:33] for words in heard] == ["A worker has napari-ghosthunter 0"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (distributed.KilledWorker("rows", None, 3), "want of memory"),
        (CancelledError("rows"), "connection to the Dask scheduler was lost"),
        (distributed.comm.CommClosedError("in <TCP>: Stream is closed"), "connection to the Dask scheduler was lost"),
        (TimeoutError("the disk"), r"cannot read or write a file \(the disk\)"),
        (ModuleNotFoundError("No module named 'napari_ghosthunter'"), r"No module named .* need the versions"),
        (
            RuntimeError("\nError during deserialization of the\ntask graph."),
            "deserialization of the task.*need the versions",
        ),
        (AttributeError("Can't get attribute 'Rows' on <module 'worker'>"), "need the versions"),
        (AttributeError("'Job' object has no attribute 'bad_pixels'"), "need the versions"),
        (ValueError("unsupported pickle protocol: 5"), "need the versions"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "too little memory.*fewer workers"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "too little memory"),
        (MemoryError(), r"too little memory \(MemoryError\)"),
        (RuntimeError("CUDA error: no kernel image is available"), "GPU of a worker failed.*device cpu"),
        (NotImplementedError("The operator 'aten::x' is not implemented for the MPS device"), "GPU of a worker failed"),
        (RuntimeError("cannot schedule new futures after shutdown"), "was closed before"),
        (OSError(5, "Input/output error"), "cannot read or write.*Input/output error"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "failed while it computed.*its log"),
    ],
)
def test_what_goes_wrong_elsewhere_is_told_in_words(client, make_model, scan, monkeypatch, error, said):
    def fail(*_):
        raise error

    monkeypatch.setattr(distributed.Future, "result", fail)
    with pytest.raises(ClusterError, match=said) as refused:
        segment_on(client, scan, make_model(), device="cpu")
    assert "\n" not in str(refused.value)
    if "versions" not in said:
        assert "versions" not in str(refused.value)


@pytest.mark.parametrize(
    "error", [AttributeError("'int' object has no attribute 'x'"), TypeError("f()"), ValueError("no")]
)
def test_a_fault_of_our_own_on_a_worker_keeps_its_traceback(client, make_model, scan, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(distributed.Future, "result", fail)
    with pytest.raises(type(error), match=re.escape(str(error))):
        segment_on(client, scan, make_model(), device="cpu")


def test_an_error_of_a_worker_comes_as_what_it_is(client, make_model, scan, monkeypatch):
    monkeypatch.setattr(cluster, "classify", _out_of_memory)
    with pytest.raises(ClusterError, match="too little memory"):
        segment_on(client, scan, make_model(), device="cpu")


def _out_of_memory(*_, **__):
    raise RuntimeError("CUDA out of memory")


@pytest.fixture
def silent_server():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def server_of_something_else():
    """Greet as SSH does; Dask takes the first letters for the length of what comes."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def greet():
            with contextlib.suppress(OSError):  # closed at the end
                while True:
                    with server.accept()[0] as asking:
                        asking.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
                        asking.recv(1)

        pool.submit(greet)
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def free_address():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"tcp://127.0.0.1:{port}"


@pytest.mark.parametrize(
    "where", ["free_address", "silent_server", "server_of_something_else", "nowhere", "http://127.0.0.1:80"]
)
def test_no_scheduler_is_told_within_ten_seconds(request, where):
    address = where if where.startswith(("nowhere", "http")) else request.getfixturevalue(where)
    began = time.monotonic()
    with pytest.raises(ClusterError, match=rf"No Dask scheduler answers at {address}"), connected(address):
        pytest.fail("connected to nobody")
    assert time.monotonic() - began < 10


def test_a_scheduler_that_is_gone_is_told_for_each_scan_in_the_same_words(make_model, scan):
    with distributed.LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as ending:
        client = distributed.Client(ending.scheduler_address, set_as_default=False)
        ending.close()
        for _ in range(2):
            with pytest.raises(ClusterError, match="The connection to the Dask scheduler was lost"):
                segment_on(client, scan, make_model(), device="cpu")
        client.close(timeout=1)


def test_without_distributed_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match="pip install 'distributed"), connected("tcp://127.0.0.1:8786"):
        pytest.fail("there is no distributed")


# ---- who does what ----


def test_a_scheduler_that_runs_is_used_and_left_running(client, make_model, scan):
    address = client.scheduler_info()["address"]
    with connected(address) as other:
        mapped = segment_on(other, scan, make_model(), device="cpu")
    assert np.array_equal(mapped.probabilities, segment(scan, make_model(), device="cpu").probabilities)
    assert len(client.nthreads()) == 2


def test_a_cluster_without_workers_waits_and_says_so(make_model, scan):
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as empty,
        distributed.Client(empty, set_as_default=False) as client,
    ):
        bands = segment_rows_on(client, scan, make_model(), device="cpu")
        empty.loop.call_later(1, empty.scale, 1)
        with pytest.warns(UserWarning, match="no workers yet"):
            band = next(bands)
        assert band.start == 0
        bands.close()


@pytest.mark.parametrize("rows", [1, 5, 34, 1000])
@pytest.mark.parametrize("threads", [1, 2, 64])
@pytest.mark.parametrize("reach", [0, 2])
def test_tasks_are_the_rows_in_order(rows, threads, reach):
    scan = Scan(np.broadcast_to(np.uint16(0), (rows, 200, 64, 64)))  # 1.6 MB a row
    parts = task_rows(scan, threads, reach)
    assert [row for start, stop in parts for row in range(start, stop)] == list(range(rows))
    heights = [stop - start for start, stop in parts]
    assert max(heights) * 1.6 < 269  # MB
    assert min(heights[:-1], default=99) >= 4 * reach
    if not reach:
        assert len(parts) >= min(rows, 8 * threads) // 2


def test_the_workers_of_each_machine_are_counted():
    addresses = ["tcp://10.0.0.1:40", "tcp://10.0.0.2:40", "tcp://10.0.0.1:30", "tcp://[::1]:40", "tcp://10.0.0.1:50"]
    found = ranks(dict.fromkeys(addresses, 1))
    assert [found[address] for address in addresses] == [1, 0, 0, 0, 2]
