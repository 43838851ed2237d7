"""The `Domain mapper` dock: scan, label, train, map and export, over one session.

`desk.py` knows which scan is worked on; every page of the dock is a `Panel` of its own file, and what it shows in the
viewer is a file of its own again.
"""
