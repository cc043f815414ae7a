"""The house itself: locks, make targets, decisions and the words that must not be in it."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ \\;]+)(?: ; (?P<marker>[^\\]+))?", re.MULTILINE)

# Put together here, so that this file does not hold them itself.
INDEX_HOSTS = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "deb.debian" + ".org",
)
MACHINE_PATHS = re.compile(r"(?<![\w.~*-])/" + r"work(?:/|\b)")
TEMPORARY_PATHS = re.compile(r"(?<![\w.])/" + r"tmp/")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str) -> dict[str, set[Version]]:
    """The versions of each package in a lock; more than one where a marker decides."""
    versions: dict[str, set[Version]] = {}
    for match in LOCKED.finditer((ROOT / lock).read_text(encoding="utf-8")):
        versions.setdefault(canonical(match["name"]), set()).add(Version(match["version"]))
    return versions


def declared(table: str, key: str) -> list[Requirement]:
    """A list of requirements in pyproject.toml."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [Requirement(line) for line in document[table][key]]


@cache
def own_texts() -> dict[str, str]:
    """Every text file that is, or would be, in a commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    texts: dict[str, str] = {}
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in (raw := path.read_bytes()):
            texts[name] = raw.decode("utf-8")
    assert "pyproject.toml" in texts
    return texts


@pytest.mark.parametrize(
    ("lock", "table", "key"),
    [
        ("requirements.lock", "project", "dependencies"),
        ("requirements-dev.lock", "project", "dependencies"),
        ("requirements-dev.lock", "dependency-groups", "dev"),
        ("requirements-dev.lock", "build-system", "requires"),
    ],
)
def test_each_lock_holds_what_the_project_asks_for(lock: str, table: str, key: str) -> None:
    versions = locked(lock)
    unmet = [
        str(requirement)
        for requirement in declared(table, key)
        if not any(version in requirement.specifier for version in versions.get(canonical(requirement.name), set()))
    ]
    assert unmet == [], "run: make lock"


def test_both_locks_agree_on_every_version() -> None:
    run, dev = (locked(lock) for lock in LOCKS)
    assert len(run) > 30
    assert {name: versions for name, versions in run.items() if dev.get(name) != versions} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes_and_no_lock_names_a_host_or_path(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    assert " @ " not in text
    assert not re.search(r"#.*[ =]/", text), "a comment names a path"


def test_no_file_names_an_index_or_a_path_of_one_machine() -> None:
    offenders = [
        f"{name}: {word}"
        for name, text in own_texts().items()
        for word in (*(host for host in INDEX_HOSTS if host in text), *MACHINE_PATHS.findall(text))
    ]
    assert offenders == []


def test_the_product_names_no_temporary_path() -> None:
    # Tests may: a hostile statement that writes a file has to name one.
    offenders = [
        name for name, text in own_texts().items() if not name.startswith("tests/") and TEMPORARY_PATHS.search(text)
    ]
    assert offenders == []


def test_every_make_target_is_explained() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert phony is not None
    explained = set(re.findall(r"^([a-z-]+):.*## \S", text, re.MULTILINE))
    assert explained == set(phony[1].split())
    assert explained >= {"demo", "test", "check", "bench", "lock", "help", "snapshots", "schema", "readme"}


def test_the_changelog_has_a_place_for_the_next_release() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[Unreleased\]$", text, re.MULTILINE)
    assert re.search(r"^### (Added|Changed|Deprecated|Removed|Fixed|Security)$", text, re.MULTILINE)


def test_decisions_are_numbered_without_a_gap_and_say_why() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(len(records)))
    assert len(records) > 1
    for record in records:
        text = record.read_text(encoding="utf-8")
        headings = re.findall(r"^## (\w+)$", text, re.MULTILINE)
        assert headings[:3] == ["Context", "Decision", "Consequence"], record.name
        assert re.match(rf"# {record.name[:4]}\. \S", text), record.name
        assert re.search(r"^Status: (proposed|accepted|superseded by \d{4})$", text, re.MULTILINE), record.name


def test_every_rule_that_is_off_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ignored = re.search(r"^ignore = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert ignored is not None
    silent = [line.strip() for line in ignored[1].splitlines() if "#" not in line]
    squawk = (ROOT / ".squawk.toml").read_text(encoding="utf-8")
    silent += [line.strip() for line in squawk.splitlines() if re.match(r'\s+"', line) and "#" not in line]
    assert silent == []


def test_the_licence_is_the_one_declared() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_no_local_link_in_the_documents_is_broken() -> None:
    broken = [
        f"{name}: {target}"
        for name, text in own_texts().items()
        if name.endswith(".md") and not name.startswith("tests/")
        for target in re.findall(r"\]\((?!#|mailto:)([^)#\s]+)", text)
        if "://" not in target and not ((ROOT / name).parent / target).exists()
    ]
    assert broken == []
