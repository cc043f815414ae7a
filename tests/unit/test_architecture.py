"""The rules of the house that no linter knows, read from the syntax trees of the product itself.

`lint-imports` holds the layers. These tests hold what lies across them: where SQL may stand, who may speak to
psycopg, what may reach stdout, how large a piece may grow before it has to be cut.
"""

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("qms_mcp", "tools", "resources")

# Style aims at 250 lines a file and 25 a function; past these, a piece has to be cut before it lands.
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60

# Imported where they are used: each costs a client that waits for `initialize`, or needs the database.
HEAVY = frozenset({
    "anthropic", "argon2", "jwt", "langfuse", "limits", "matplotlib", "numpy", "opentelemetry", "psycopg",
    "psycopg_pool", "rich", "scipy", "supabase",
})  # fmt: skip

SQL_TEXT = re.compile(
    r"\b(SELECT\b.+\bFROM\b|INSERT\s+INTO\b|UPDATE\b.+\bSET\b|DELETE\s+FROM\b"
    r"|(CREATE|ALTER|DROP)\s+(TABLE|POLICY|FUNCTION|INDEX|ROLE|SCHEMA|VIEW|TRIGGER)\b)",
    re.DOTALL,
)
NAMED_BLOCK = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)$", re.MULTILINE)


def modules(*folders: str) -> list[Path]:
    """Every Python file of the product in these folders."""
    found = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    assert found, f"no module in {folders}"
    return found


@functools.cache  # several rules read every module
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@pytest.fixture(scope="module", autouse=True)
def trees_forgotten() -> Iterator[None]:
    yield
    tree.cache_clear()  # a million objects would slow down whatever is tested next


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def is_type_checking(node: ast.AST) -> bool:
    if not isinstance(node, ast.If):
        return False
    test = node.test
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def executed(node: ast.AST, *, into_functions: bool) -> Iterator[ast.AST]:
    """The nodes that run: all but what stands under TYPE_CHECKING, functions only on request."""
    waiting = [node]
    while waiting:
        for child in ast.iter_child_nodes(waiting.pop()):
            if is_type_checking(child):
                continue
            if not into_functions and isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                continue
            yield child
            waiting.append(child)


def imported(node: ast.AST) -> list[str]:
    """The top-level names a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        return [node.module.partition(".")[0]]
    return []


def descriptions(module: ast.Module) -> set[int]:
    """The strings a reader sees: docstrings, and all that is said in a Field(...)."""
    seen: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr):
                seen.add(id(first.value))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Field":
            seen.update(id(part) for part in ast.walk(node))
    return seen


def test_only_the_database_package_imports_psycopg() -> None:
    offenders = [
        where(path, node)
        for path in modules(*PACKAGES)
        if not path.is_relative_to(ROOT / "qms_mcp" / "db")
        for node in executed(tree(path), into_functions=True)
        if any(name.startswith("psycopg") for name in imported(node))
    ]
    assert offenders == []


def test_tools_and_resources_hold_no_sql() -> None:
    offenders: list[str] = []
    for path in modules("tools", "resources"):
        module = tree(path)
        prose = descriptions(module)
        offenders += [
            f"{where(path, node)} {node.value[:40]!r}"
            for node in ast.walk(module)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in prose
            and SQL_TEXT.search(node.value)
        ]
    assert offenders == []


def test_tools_and_resources_keep_their_annotations() -> None:
    # The SDK reads the annotations of a tool when it registers it; as strings they name things it cannot see.
    offenders = [
        where(path, node)
        for path in modules("tools", "resources")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    assert offenders == []


def test_tools_resources_and_services_import_nothing_heavy_at_the_top() -> None:
    offenders = [
        f"{where(path, node)} {name}"
        for path in modules("tools", "resources", "qms_mcp/services")
        for node in executed(tree(path), into_functions=False)
        for name in imported(node)
        if name in HEAVY
    ]
    assert offenders == []


@pytest.mark.skipif(not (ROOT / "qms_mcp" / "app.py").is_file(), reason="the server is not built yet")
def test_importing_the_server_loads_nothing_heavy() -> None:
    # The trees show direct imports, this what they bring with them. `mcp` itself may use the two left out.
    wanted = sorted(HEAVY - {"opentelemetry", "jwt"})
    probe = (
        "import sys, mcp.server; before = set(sys.modules); import qms_mcp.app;"
        f"print(*[name for name in {wanted!r} if name in sys.modules and name not in before])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert answer.stdout.split() == []


def test_only_the_command_line_writes_to_stdout() -> None:
    # Over stdio, stdout is the protocol: one stray line and the client drops the connection.
    offenders: list[str] = []
    for path in modules(*PACKAGES):
        if path.is_relative_to(ROOT / "qms_mcp" / "cli"):
            continue
        for node in ast.walk(tree(path)):
            prints = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            speaks = (
                isinstance(node, ast.Attribute)
                and node.attr in {"stdout", "__stdout__"}
                and isinstance(node.value, ast.Name)
                and node.value.id == "sys"
            )
            if prints or speaks:
                offenders.append(where(path, node))
    assert offenders == []


def test_files_stay_short_enough_to_read() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules(*PACKAGES)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES_OF_A_FILE
    }
    assert long == {}


def test_functions_stay_short_enough_to_read() -> None:
    long = {
        f"{where(path, node)} {node.name}": lines
        for path in modules(*PACKAGES)
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    }
    assert long == {}


def test_every_module_says_what_it_is() -> None:
    silent = [str(path.relative_to(ROOT)) for path in modules(*PACKAGES) if not ast.get_docstring(tree(path))]
    assert silent == []


def test_every_named_query_has_a_comment_and_a_name_of_its_own() -> None:
    files = sorted((ROOT / "sql" / "queries").glob("*.sql"))
    assert files, "no file in sql/queries"
    offenders: list[str] = []
    for path in files:
        text = path.read_text(encoding="utf-8")
        names = [match["name"] for match in NAMED_BLOCK.finditer(text)]
        offenders += [f"{path.name}: no named block"] if not names else []
        offenders += [f"{path.name}: {name} twice" for name in sorted({n for n in names if names.count(n) > 1})]
        for match in NAMED_BLOCK.finditer(text):
            following = text[match.end() :].lstrip("\n").partition("\n")[0]
            if not re.match(r"-- \S", following):
                offenders.append(f"{path.name}: {match['name']} has no comment")
    assert offenders == []


def test_migrations_are_numbered_without_a_gap() -> None:
    names = sorted(path.name for path in (ROOT / "sql" / "migrations").glob("*.sql"))
    assert names, "no migration"
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.sql", name) for name in names), names
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
