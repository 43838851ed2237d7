"""Files are written whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from napari_ghosthunter.errors import OutputError
from napari_ghosthunter.files import check_outputs, whole_file, write_text


@pytest.fixture
def old(tmp_path):
    """Make a file that was there before."""
    path = tmp_path / "out.tif"
    path.write_text("old")
    return path


def test_a_new_file_appears_when_the_block_is_done(tmp_path):
    path = tmp_path / "deep" / "er" / "out.tif"
    with whole_file(path) as temporary:
        temporary.write_text("new")
        assert temporary.parent == path.parent
        assert temporary.suffix == ".tif"
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_an_old_file_is_replaced_when_the_block_is_done_and_not_before(old):
    with whole_file(old) as temporary:
        temporary.write_text("new")
        assert old.read_text() == "old"
    assert old.read_text() == "new"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, GeneratorExit, MemoryError, SystemExit])
def test_a_failure_inside_the_block_leaves_the_old_file_and_no_other(old, failure):
    def write_and_fail(path):
        path.write_text("half of the n")
        raise failure

    with pytest.raises(failure), whole_file(old) as temporary:
        write_and_fail(temporary)
    assert old.read_text() == "old"
    assert list(old.parent.iterdir()) == [old]


def test_a_failure_without_an_old_file_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "out.csv") as temporary:
        temporary.write_text(str(1 / 0))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_in_words_and_leaves_the_old_file(old):
    with pytest.raises(OutputError, match=r"Cannot write .*out\.tif: No space left on device"), whole_file(old):
        raise OSError(28, "No space left on device")
    assert old.read_text() == "old"
    assert list(old.parent.iterdir()) == [old]


def test_a_folder_in_the_way_is_an_output_error(tmp_path):
    (tmp_path / "out.tif").mkdir()
    with pytest.raises(OutputError, match="Cannot write"), whole_file(tmp_path / "out.tif") as temporary:
        temporary.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["out.tif"]


def test_a_file_in_the_place_of_the_folder_is_an_output_error(old):
    with pytest.raises(OutputError, match="Cannot write"), whole_file(old / "map.tif"):
        pytest.fail("there is nothing to write to")


def test_a_writer_that_removes_its_temporary_file_is_an_output_error(old):
    with pytest.raises(OutputError, match="Cannot write"), whole_file(old) as temporary:
        temporary.unlink()
    assert old.read_text() == "old"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_the_file_may_be_read_by_whom_any_new_file_may(tmp_path):
    (tmp_path / "plain").touch()
    write_text(tmp_path / "ours", "")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "ours")]
    assert modes[0] == modes[1]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize("umask", [0o000, 0o002, 0o027, 0o077])
def test_the_rights_follow_the_mask_of_now_which_is_never_touched(tmp_path, monkeypatch, umask):
    def untouchable(_):
        raise AssertionError("another thread would make its files with the wrong rights meanwhile")

    before = os.umask(umask)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(os, "umask", untouchable)
            write_text(tmp_path / "ours", "")
        (tmp_path / "plain").touch()
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "ours")]
    assert modes == [0o666 & ~umask] * 2


def test_a_temporary_name_that_is_taken_is_left_alone(tmp_path, monkeypatch):
    drawn = iter(["aa", "aa", "bb"])
    monkeypatch.setattr("secrets.token_hex", lambda _: next(drawn))
    with whole_file(tmp_path / "one.csv") as first, whole_file(tmp_path / "one.csv") as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "one.csv").read_text() == "first", "which was done last"


def test_text_is_utf8_with_its_own_line_ends_everywhere(tmp_path):
    write_text(tmp_path / "out.csv", "1 Å\n2 nm\r\n")
    assert (tmp_path / "out.csv").read_bytes() == b"1 \xc3\x85\n2 nm\r\n"


def test_outputs_that_exist_are_refused_unless_they_may_be_overwritten(old, tmp_path):
    more = [tmp_path / name for name in ("new.tif", "other.tif")]
    check_outputs(more, overwrite=False)
    check_outputs([old, *more], overwrite=True)
    with pytest.raises(OutputError, match=r"out\.tif exists already.*--overwrite"):
        check_outputs([*more, old], overwrite=False)
    more[0].touch()
    with pytest.raises(OutputError, match=r"new\.tif and 1 more exist already"):
        check_outputs([*more, old], overwrite=False)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no folder here that refuses an administrator")
def test_a_folder_that_takes_no_files_is_found_before_any_work():
    for path in ("/proc/a.csv", "/proc/nothere/a.csv"):
        with pytest.raises(OutputError, match=f"Cannot write {path}: "):
            check_outputs([path], overwrite=False)


def test_looking_whether_a_file_can_be_made_leaves_none(tmp_path):
    check_outputs([tmp_path / "a", tmp_path / "new" / "b"], overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_an_old_output_is_refused_with_the_way_out_of_both_worlds(old):
    for path in (old, str(old)):
        with pytest.raises(OutputError, match=r"another output, or add --overwrite \(overwrite=True in Python\)\.$"):
            check_outputs([path], overwrite=False)
        check_outputs([path], overwrite=True)
        with pytest.raises(OutputError, match="is an input"):
            check_outputs([path], overwrite=True, inputs=[str(old)])
