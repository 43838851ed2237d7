"""The results of a sitting in its folder: the model, the one from before the last training, the map, and renames.

Each is written whole or not at all, in place of the one before it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from napari_ghosthunter.errors import OutputError
from napari_ghosthunter.files import whole_file, write_text

if TYPE_CHECKING:
    from napari_ghosthunter.learning.model import Model
    from napari_ghosthunter.mapping.domains import DomainMap

MODEL, BEFORE, MAP, RENAMES = "model.safetensors", "model-before.safetensors", "map", "renames.json"
_RENAMES = TypeAdapter(dict[str, dict[str, str]])


class Results:
    """What a sitting keeps beside its journal.

    Parameters
    ----------
    folder
        The folder of the sitting.
    begin
        Makes the folder if it is not there yet; called before anything is written.
    """

    def __init__(self, folder: Path, begin: Callable[[], object]) -> None:
        self._folder, self._begin = folder, begin

    def keep_model(self, model: Model) -> None:
        """Write the model, in place of the one before it."""
        from napari_ghosthunter.learning.modelfile import save_model

        self._begin()
        save_model(model, self._folder / MODEL)

    def keep_model_before(self, model: Model | None) -> None:
        """Write the model from before the last training, in place of the one that was set aside; None removes that.

        Raises
        ------
        OutputError
            If the folder cannot be written to.
        """
        self._begin()
        path = self._folder / BEFORE
        if model is not None:
            from napari_ghosthunter.learning.modelfile import save_model

            save_model(model, path)
            return
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"Cannot remove {path}: {error.strerror or error}.") from error

    def swap_models(self, model: Model, before: Model | None) -> None:
        """Write the model that was set aside as the model, and that one, if there is one, as the one set aside.

        Raises
        ------
        OutputError
            If the folder cannot be written to.
        """
        if before is None:
            self.keep_model(model)
            self.keep_model_before(None)
            return
        from napari_ghosthunter.learning.modelfile import save_model

        self._begin()
        with whole_file(self._folder / BEFORE) as temporary:  # a full disk shows here, when nothing is replaced yet
            save_model(before, temporary)
            save_model(model, self._folder / MODEL)  # until this is there, its only file is the one set aside

    def keep_map(self, domain_map: DomainMap) -> None:
        """Write the map, in place of the one before it."""
        self._begin()
        from napari_ghosthunter.mapping.export import save_map

        save_map(domain_map, self._folder / MAP, MAP, overwrite=True, figure=False)

    def keep_renames(self, renames: dict[str, dict[str, str]]) -> None:
        """Write what the classes of models are called by now, by the hashes of these."""
        self._begin()
        write_text(self._folder / RENAMES, _RENAMES.dump_json(renames).decode())

    def load_renames(self) -> dict[str, dict[str, str]]:
        """Read what the classes of models are called by now; without that, they are called as they were."""
        try:
            return _RENAMES.validate_json((self._folder / RENAMES).read_bytes())
        except (OSError, ValidationError):
            return {}

    def load_model(self) -> Model | None:
        """Read the model; None if there is none.

        Raises
        ------
        ModelError
            If it is damaged.
        """
        if not has_model(self._folder):  # without one there is no need for torch, which takes seconds to import
            return None
        from napari_ghosthunter.learning.modelfile import load_model

        return load_model(self._folder / MODEL)

    def load_model_before(self) -> Model | None:
        """Read the model from before the last training; None if there is none.

        Raises
        ------
        ModelError
            If it is damaged.
        """
        path = self._folder / BEFORE
        if not path.exists():
            return None
        from napari_ghosthunter.learning.modelfile import load_model

        return load_model(path)

    def load_map(self) -> DomainMap | None:
        """Read the map; None if there is none.

        Raises
        ------
        MapError
            If it is damaged.
        """
        if not has_map(self._folder):
            return None
        from napari_ghosthunter.mapping.domains import DomainMap

        return DomainMap.load(self._folder / MAP, MAP)


def has_model(folder: Path) -> bool:
    """Whether a sitting in this folder has a model."""
    return (folder / MODEL).exists()


def has_map(folder: Path) -> bool:
    """Whether a sitting in this folder has a whole map."""
    from napari_ghosthunter.mapping.mapfile import MAP_SUFFIX

    return (folder / MAP / f"{MAP}{MAP_SUFFIX}").exists()
