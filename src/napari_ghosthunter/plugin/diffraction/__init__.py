"""Diffraction viewer: the pattern under the cursor, as measured or as the network sees it, and virtual detectors on it.

What decides lies in modules without Qt (`display`, `where`, `detector`, `patterns`, `picture`, `class_means`,
`scan_link`, `pattern_view`), so that it can be tested without a window; `dock` and its parts only show it.
"""
