"""The face in napari: readers, sample data and panels over the stages and the session, and the only Qt code.

What the manifest (napari.yaml) names is imported only when a user asks for it.
"""

PLUGIN = "napari-ghosthunter"  # as the manifest calls it
