"""What is wrong with a command is said in one line, with exit code 2, and nothing is left behind."""

import os
import re
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

from napari_ghosthunter.cli import run
from napari_ghosthunter.scan import readers
from napari_ghosthunter.scan.offered import OPTION_HELP

COMMANDS = [
    (),
    ("info",),
    ("sample",),
    ("labels",),
    ("labels", "import"),
    ("train",),
    ("map",),
    ("evaluate",),
    ("demo",),
]
SLOW = {"PIL", "dask", "h5py", "numpy", "py4DSTEM", "rsciio", "scipy", "tifffile", "torch", "zarr"}


# what `ghosthunter` does; a shell's background jobs ignore Ctrl+C, and the tests may be one
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from napari_ghosthunter.cli import main
main()
"""


def start(*arguments, cwd, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | environment,
    )  # fmt: skip


def finished(*arguments, cwd, **environment):
    process = start(*arguments, cwd=cwd, **environment)
    out, err = process.communicate(timeout=120)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_is_there_and_names_every_option_of_the_contract(call, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    called = call(*command, "--help")
    assert (called.code, called.err) == (0, "")
    assert max(map(len, called.out.splitlines())) <= 80
    assert "…" not in called.out
    if command[:1] in {("info",), ("sample",), ("train",), ("map",)}:
        for name in OPTION_HELP:  # error messages advise them
            assert f"--{name.replace('_', '-')} " in called.out


def test_help_loads_nothing_slow(tmp_path):
    code = f"""
import sys
from napari_ghosthunter.cli import run
for command in {COMMANDS!r}:
    assert run([*command, "--help"]) == 0
print(sorted({SLOW!r} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_version(call):
    called = call("--version")
    assert (called.code, called.err) == (0, "")
    assert called.out[0].isdigit()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), r"Missing command \(see 'ghosthunter --help'\)"),
        (("labels",), r"Missing command \(see 'ghosthunter labels --help'\)"),
        (("nope",), "No such command 'nope'"),
        (("info",), "Missing argument 'SCAN'"),
        (("info", "a", "b"), "unexpected extra argument"),
        (("info", "a", "--nope"), "No such option:? '?--nope"),
        (("sample", "a", "--out", "b"), "Missing option '--step'"),
        (("sample", "a", "--out", "b", "--step", "0"), "'--step'"),
        (("sample", "a", "--out", "b", "--step", "few"), "'--step'"),
        (("sample", "a", "--out", "b", "--step", "3", "--count", "-1"), "'--count'"),
        (("train", "a", "--labels", "b"), "Missing option '--out'"),
        (("train", "a", "--labels", "b", "--out", "c", "--pool", "foo"), "'foo' is not one of 'none', 'mean', 'max'"),
        (("map", "--model", "a", "--out", "b"), "Missing argument"),
        (("evaluate", "a"), "Missing option '--truth'"),
        (("demo",), "Missing option '--out'"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line_that_names_the_help(call, arguments, said):
    error = call(*arguments).error
    assert re.search(said, error)
    assert "--help'" in error


@pytest.mark.parametrize("text", ["3by4", "0x4", "-3x4", "3x4x5", "3", "x", "3.0x4"])
def test_a_wrong_scan_shape_text_is_refused(call, samples, text):
    error = call("info", samples / "flat.npy", "--scan-shape", text).error
    assert "is not a scan shape; write rows x columns, as in 34x206" in error


@pytest.mark.parametrize("text", ["10x14", "10X14", "10,14", "10×14", " 10 x 14 "])
def test_scan_shapes_may_be_written_in_several_ways(call, samples, text):
    assert call("info", samples / "flat.npy", "--scan-shape", text).code == 0


def test_a_full_disk_and_a_lack_of_memory_are_said(call, samples, monkeypatch):
    for failure, said in (
        (OSError(28, "No space left on device"), "No space left"),
        (MemoryError(), "not enough memory"),
    ):
        monkeypatch.setattr(readers, "open_with", lambda *_, _failure=failure, **__: (_ for _ in ()).throw(_failure))
        assert said in call("info", samples / "scan.npy").error


def test_ctrl_c_is_130(call, samples, monkeypatch):
    monkeypatch.setattr(readers, "open_with", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    called = call("info", samples / "scan.npy")
    assert (called.code, called.out) == (130, "")
    assert called.err == "error: Stopped; nothing half-written was left behind.\n"


def test_a_fault_of_our_own_keeps_its_traceback(samples, monkeypatch):
    monkeypatch.setattr(readers, "open_with", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(["info", str(samples / "scan.npy")])


def test_warnings_are_one_line_each_and_only_those_for_users(call, samples, monkeypatch):
    real = readers.open_with

    def open_with_warnings(*arguments, **options):
        warnings.warn("pixels\nwere zero", UserWarning, stacklevel=1)
        warnings.warn("use parse_string", type("Old", (UserWarning, DeprecationWarning), {}), stacklevel=1)  # pyparsing
        warnings.warn("old name", DeprecationWarning, stacklevel=1)
        return real(*arguments, **options)

    monkeypatch.setattr(readers, "open_with", open_with_warnings)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        called = call("info", samples / "scan.npy", "--json")
    assert called.err == "warning: pixels were zero\n"


# ---- as a process of its own ----


def test_exit_codes_and_no_traceback_in_a_process(tmp_path):
    module = [sys.executable, "-m", "napari_ghosthunter", "--version"]
    assert subprocess.run(module, stdout=subprocess.DEVNULL, check=False).returncode == 0
    code, out, err = finished("info", "nothing.dm4", cwd=tmp_path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: There is no file ")


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"COLUMNS": "20", "NO_COLOR": "1"},
    ],
    ids=str,
)
@pytest.mark.skipif(os.name == "nt", reason="no such locales")
def test_names_that_the_terminal_cannot_write_are_escaped(samples, tmp_path, environment):
    path = tmp_path / "größe 1.npy"
    path.write_bytes((samples / "scan.npy").read_bytes())
    code, out, err = finished("info", path, cwd=tmp_path, **environment)
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("file ")
    assert "10 x 14 probe positions (scan_y x scan_x), step unknown\n" in out
    code, out, err = finished("info", tmp_path / "größe 2.npy", cwd=tmp_path, **environment)
    assert (code, out, err.count("\n")) == (2, "", 1)


@pytest.mark.skipif(os.name == "nt", reason="no such pipes")
def test_files_are_written_even_when_nobody_reads_what_is_said(samples, tmp_path):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        arguments = [
            sys.executable,
            "-m",
            "napari_ghosthunter",
            "sample",
            samples / "scan.npy",
            "--step",
            "3",
            "--out",
            "p.csv",
        ]
        done = subprocess.run(arguments, cwd=tmp_path, stdout=closed, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "p.csv").is_file()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_full_disk_under_stdout_is_an_error(samples, tmp_path):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        arguments = [sys.executable, "-m", "napari_ghosthunter", "info", samples / "scan.npy"]
        done = subprocess.run(arguments, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="no such signals")
@pytest.mark.parametrize(
    ("signal_", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl+C", "terminated"]
)
def test_a_stopped_map_leaves_nothing_behind(samples, model, tmp_path, signal_, code):
    np.save(tmp_path / "large.npy", np.ones((400, 200, 32, 32), np.uint8))
    arguments = ("map", samples / "scan.npy", "large.npy", "--model", model, "--out", "maps")
    process = start(*arguments, cwd=tmp_path)
    while not (tmp_path / "maps" / "scan_map.json").exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal_)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert err in {b"", b"Stopping...\nerror: Stopped; nothing half-written was left behind.\n"}
    assert {path.name for path in tmp_path.iterdir()} == {"large.npy", "maps"}
    assert {path.name.partition("_")[0] for path in (tmp_path / "maps").iterdir()} == {"scan"}
