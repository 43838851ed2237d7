"""`python -m napari_ghosthunter`: the command line, where the script `ghosthunter` is not on the path."""

from napari_ghosthunter.cli import main

if __name__ == "__main__":
    main()
