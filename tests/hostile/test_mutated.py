"""Thousands of spoilt scans: each opens and can be read, or is refused in one line, soon and in little memory.

To see one again: `python -m tests.hostile.test_mutated NAME NUMBER`, with the name and number that a failure tells.
"""

from __future__ import annotations

import logging
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.hostile.children import run_jobs
from tests.hostile.mutations import mutated
from tests.hostile.seeds import read_seeds, write_seeds

SECONDS = 10  # of the processor
MEMORY = 512 * 2**20
LOG = logging.getLogger(__name__)
REPEAT = "python -m tests.hostile.test_mutated"


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds")
    write_seeds(folder)
    return folder


def faults(answer):
    """Say what a reader did that it must not do."""
    name = read_name(answer)
    if answer["ended"] not in ("opened", "refused"):
        yield f"{name} {answer['ended']}: {answer['told']}"
    if answer["seconds"] > SECONDS:
        yield f"{name} took {answer['seconds']:.1f} s"
    if answer["memory"] > 2 * answer["size"] + MEMORY:
        yield f"{name} took {answer['memory'] / 2**20:.0f} MiB"
    if answer["elsewhere"] or answer["changed"]:
        yield f"{name} touched {answer['elsewhere'] or 'its own file'}"
    if answer["ended"] == "refused" and ("\n" in answer["told"] or not 10 < len(answer["told"]) < 4000):
        yield f"{name} was refused with {answer['told']!r}"


def read_name(answer):
    return f"[{REPEAT} {answer['name']} {answer['number']}]"


def check(seeds, work, numbers):
    jobs = [(name, number) for name in read_seeds(seeds) for number in numbers]
    answers = list(run_jobs(seeds, work, jobs))
    found = [fault for answer in answers for fault in faults(answer)]
    assert not found, "\n".join(found)
    assert len(answers) == len(jobs)
    return Counter((answer["name"], answer["ended"]) for answer in answers)


def test_some_spoilt_scans_of_every_format(seeds, tmp_path):
    ended = check(seeds, tmp_path, range(8))
    assert sum(ended.values()) >= 200


@pytest.mark.slow
def test_thousands_of_spoilt_scans(seeds, tmp_path):
    ended = check(seeds, tmp_path, range(1000, 1100))
    opened = sum(count for (_, how), count in ended.items() if how == "opened")
    LOG.info("%d opened, %d refused", opened, sum(ended.values()) - opened)
    assert sum(ended.values()) >= 2500
    for name in read_seeds(seeds):  # a mutation that only ever does one of both says little
        assert ended[name, "refused"], name
    assert sum(ended[name, "opened"] > 0 for name in read_seeds(seeds)) > 20


def test_the_seeds_themselves_open(seeds, tmp_path, monkeypatch):
    from tests.hostile import child

    monkeypatch.setattr("tests.hostile.mutations.mutated", lambda content, _number: content)
    for name in read_seeds(seeds):
        assert child.run_one(seeds, tmp_path, name, 0)["ended"] == "opened", name


def test_a_mutation_is_the_same_each_time_and_spoils():
    content = random.Random(0).randbytes(3000)
    assert [mutated(content, number) for number in range(50)] == [mutated(content, number) for number in range(50)]
    assert sum(mutated(content, number) == content for number in range(200)) < 10


@pytest.mark.parametrize(
    "planted",
    [{2: "raise", 3: "take"}, pytest.param({1: "die", 2: "hang", 4: "die"}, marks=pytest.mark.slow)],
)
def test_what_a_reader_must_not_do_is_told_and_the_next_goes_on(seeds, tmp_path, monkeypatch, planted):
    monkeypatch.setattr("tests.hostile.children.HUNG_SECONDS", 20)
    faulty = ",".join(f"npy:{number}={fault}" for number, fault in planted.items())
    monkeypatch.setenv("GHOSTHUNTER_TEST_FAULT", faulty)
    answers = list(run_jobs(seeds, tmp_path, [("npy", number) for number in range(6)]))
    words = {"die": "died", "hang": "hung", "raise": "ZeroDivisionError", "take": "MiB"}
    for number, answer in enumerate(answers):
        told = " ".join(faults(answer))
        assert (words[planted[number]] in told) if number in planted else not told


if __name__ == "__main__":  # show one again
    from tests.hostile import child

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "seeds").mkdir()
        write_seeds(Path(folder) / "seeds")
        sys.argv[1:1] = [f"{folder}/seeds", f"{folder}/work"]
        child.main()
