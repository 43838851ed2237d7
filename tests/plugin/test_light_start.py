"""napari starts no slower for this plugin: what takes seconds to import waits until it is used."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"torch", "py4DSTEM", "rsciio", "h5py", "zarr", "matplotlib", "sklearn"}

CODE = """
import sys
from napari.components import ViewerModel
viewer = ViewerModel()
before = set(sys.modules)

def report(what):
    print(what, *{name.partition(".")[0] for name in set(sys.modules) - before})

from napari.plugins import _initialize_plugins
_initialize_plugins()  # builds the menus: Plugins, Open Sample, Layers
from npe2 import PluginManager
manager = PluginManager.instance()
assert "napari-ghosthunter" in manager
list(manager.iter_widgets()), list(manager.iter_sample_data())
report("menus")
list(manager.iter_compatible_readers(["/tmp/scan.dm4"])), list(manager.iter_compatible_writers(["labels"]))
report("offers")
from napari_ghosthunter.plugin.reader import get_reader
assert get_reader("/tmp/scan.dm4") is not None
report("reader")
"""


def test_menus_and_offers_load_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    loaded = {line.split()[0]: set(line.split()[1:]) for line in done.stdout.splitlines()}
    assert list(loaded) == ["menus", "offers", "reader"]
    assert {what: names & HEAVY for what, names in loaded.items()} == {what: set() for what in loaded}
    assert "napari_ghosthunter" in loaded["reader"]
