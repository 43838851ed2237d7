"""The page `Label`, and the sample points in the viewer with their keys and clicks."""
