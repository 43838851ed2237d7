"""What `make` installs: pinned as constraints.txt says, hashed, and nothing that pyproject.toml asks for left out."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = ("demo", "test", "torch")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CAME_ALONG = {"nion", "emdfile"}  # a part of nionswift-io that has its own package, and py4DSTEM's files
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


def asked_for(project, extra):
    """Give the requirements of an extra, and of the extras of our own that it takes in."""
    for requirement in map(Requirement, project["optional-dependencies"][extra]):
        if requirement.name == project["name"]:
            for inner in requirement.extras:
                yield from asked_for(project, inner)
        else:
            yield requirement


@pytest.mark.parametrize(("name", "extra"), [("demo", "py4dstem"), ("test", "test")])
def test_what_pyproject_asks_for_is_locked_in_a_version_that_it_allows(name, extra):
    there = locked(name) | locked("torch")
    always = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    for requirement in [*map(Requirement, always), *asked_for(PROJECT["project"], extra)]:
        entries = there[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(str(one.specifier)[2:]) for one, _ in entries), requirement


def test_a_plain_installation_leaves_the_libraries_of_others_alone():
    # py4DSTEM wants numpy 1 and an old scikit-learn of the whole environment
    always = {canonicalize_name(Requirement(line).name) for line in PROJECT["project"]["dependencies"]}
    newest = {canonicalize_name(one.name) for one in asked_for(PROJECT["project"], "plain")}
    everything = {canonicalize_name(one.name): one for one in asked_for(PROJECT["project"], "all")}
    assert "py4dstem" not in always | newest
    marker = everything["py4dstem"].marker
    assert [marker.evaluate({"python_version": version}) for version in ("3.11", "3.12", "3.13")] == [True, True, False]


@pytest.mark.parametrize(("folder", "extras"), [("src", ("all", "libertem", "cluster")), ("tests", ("test",))])
def test_all_that_is_imported_is_asked_for(folder, extras):
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["project"]["dependencies"]}
    declared |= {canonicalize_name(one.name) for extra in extras for one in asked_for(PROJECT["project"], extra)}
    installed = packages_distributions()  # a module that is in none of them cannot have been imported
    ours = {"napari_ghosthunter", "tests", "benchmarks", "fuzz"} | CAME_ALONG | sys.stdlib_module_names
    for path in (ROOT / folder).rglob("*.py"):
        for module in set(imported(ast.parse(path.read_text(encoding="utf-8")))) - ours:
            owners = {canonicalize_name(owner) for owner in installed.get(module, ())}
            assert owners & declared or not owners, f"{path}: {module}"


def imported(tree):
    """Give the top-level names of the modules that a source file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_the_demo_installs_what_the_tests_install():
    demo, test = locked("demo"), locked("test")
    for package, entries in demo.items():
        assert {str(one.specifier) for one, _ in entries} <= {str(one.specifier) for one, _ in test[package]}, package
    assert "torch" not in test
    assert "torch" in locked("torch")
