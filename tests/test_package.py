"""The package as others meet it: quick to import, loud when it warns, and known to napari."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
from npe2 import PluginManifest

SLOW_TO_IMPORT = {"dask", "napari", "py4DSTEM", "qtpy", "rsciio", "torch"}
IN_PACKAGE = Path("src/napari_ghosthunter/napari.yaml")
ROOT = Path(__file__).parents[1]


def modules_after(code: str) -> set[str]:
    """Run `code` in a new interpreter and give the names of the top-level modules that it has loaded."""
    report = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import napari_ghosthunter; dir(napari_ghosthunter)", id="package"),
        pytest.param("from npe2 import PluginManifest as M; M.from_distribution('napari-ghosthunter')", id="manifest"),
    ],
)
def test_import_is_light(code: str) -> None:
    assert not modules_after(code) & SLOW_TO_IMPORT


def test_version_is_known() -> None:
    assert version("napari-ghosthunter")[0].isdigit()


def test_manifest_is_found_through_the_installed_package() -> None:
    manifest = PluginManifest.from_distribution("napari-ghosthunter")
    if find_spec("qtpy"):  # what the manifest names imports Qt, where the extra `napari` is installed
        manifest.validate_imports()
    assert manifest == PluginManifest.from_file(ROOT / IN_PACKAGE)


def test_manifest_at_the_top_is_a_link_into_the_package() -> None:
    # Any other arrangement broke editable installs, or checkouts on systems without links.
    link = ROOT / "napari.yaml"
    assert Path(link.readlink() if link.is_symlink() else link.read_text().strip()) == IN_PACKAGE


@pytest.mark.parametrize("module", ["napari_ghosthunter", "napari_ghosthunter.scan.scan", "tests.scan.test_scan"])
def test_warnings_of_our_own_are_errors(module: str) -> None:
    with pytest.raises(UserWarning, match="ours"):
        exec("import warnings; warnings.warn('ours')", {"__name__": module})


def test_warnings_of_others_are_not_errors() -> None:
    with pytest.warns(UserWarning, match="theirs"):
        exec("import warnings; warnings.warn('theirs')", {"__name__": "some_library"})
