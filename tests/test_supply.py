"""What `make` installs: pinned as constraints.txt says, hashed, and nothing that pyproject.toml asks for left out."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = ("demo", "test", "torch")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def locked(name):
    """Give the requirements of a lock by name, each with its hashes."""
    text = (ROOT / "locks" / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line.partition(" --hash")[0].strip())
            found.setdefault(canonicalize_name(requirement.name), []).append((requirement, HASH.findall(line)))
    return found


def pins(name):
    """Give what a list of requirements pins, as {name: {version}}."""
    requirements = [line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if line[:1].isalpha()]
    found = {}
    for requirement in map(Requirement, requirements):
        found.setdefault(canonicalize_name(requirement.name), set()).add(str(requirement.specifier))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_and_hashed(name):
    for entries in locked(name).values():
        for requirement, hashes in entries:
            assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
            assert hashes, requirement


def test_locks_and_constraints_pin_the_same():
    wanted = pins("constraints.txt")
    for name in LOCKS:
        for package, entries in locked(name).items():
            assert {str(requirement.specifier) for requirement, _ in entries} <= wanted.get(
                package, {str(requirement.specifier) for requirement, _ in entries}
            ), f"{package}: run `make lock`"


def test_what_pyproject_asks_for_is_locked_in_a_version_that_it_allows():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    run = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    test = [*run, *extras["test"], *extras["napari"], *extras["cluster"], *extras["libertem"], extras["all"][-1]]
    torch = locked("torch")
    for name, wanted in (("demo", run), ("test", test)):
        there = locked(name) | torch
        for requirement in map(Requirement, wanted):
            if requirement.name == "napari-ghosthunter":
                continue
            entries = there[canonicalize_name(requirement.name)]
            assert all(requirement.specifier.contains(str(one.specifier)[2:]) for one, _ in entries), requirement


def test_the_demo_installs_what_the_tests_install():
    demo, test = locked("demo"), locked("test")
    for package, entries in demo.items():
        assert {str(one.specifier) for one, _ in entries} <= {str(one.specifier) for one, _ in test[package]}, package
    assert "torch" not in test
    assert "torch" in locked("torch")
