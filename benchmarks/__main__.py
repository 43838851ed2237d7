"""`python -m benchmarks`: the whole table."""

from benchmarks.table import main

if __name__ == "__main__":
    main()
