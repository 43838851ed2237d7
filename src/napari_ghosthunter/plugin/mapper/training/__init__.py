"""The page `Train`: settings, the run, its curves and the preview of the map."""
