"""The page `Map`, and the layers of the map in the viewer."""
