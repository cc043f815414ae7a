"""The built wheel, installed away from the checkout: what a user gets is what was tested.

In a checkout the folders tools/, resources/ and sql/ lie beside the package, in the wheel inside it. Only an
installation that cannot see the checkout shows that both layouts work, so the programs run here with
variables and a home of their own, in a folder with a space in its name.
"""

import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client

from tests.support.stdio import workplace

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Installed:
    """A wheel in an environment that knows the locked dependencies and nothing of the checkout."""

    wheel: Path
    environment: Path
    home: Path

    @property
    def command(self) -> str:
        return str(self.environment / "bin" / "qms-mcp")

    @property
    def variables(self) -> dict[str, str]:
        return {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}

    def run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        answer = subprocess.run(
            [program, *arguments],
            cwd=self.home,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert not check or answer.returncode == 0, answer.stderr
        return answer

    def python(self, code: str) -> str:
        return self.run(str(self.environment / "bin" / "python"), "-c", code).stdout.strip()


def quietly(command: Sequence[str | Path]) -> None:
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("away from the checkout")
    environment, home = folder / "environment", folder / "a home"
    home.mkdir()
    quietly([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist"])
    (wheel,) = (folder / "dist").glob("*.whl")
    quietly([sys.executable, "-m", "venv", "--without-pip", environment])
    quietly([
        sys.executable, "-m", "uv", "pip", "install", "--offline", "--no-cache", "--no-deps",
        "--python", environment / "bin" / "python", wheel,
    ])  # fmt: skip
    # The dependencies are those under test here. A path in a .pth file is taken as it is: the links to the
    # checkout that an editable install put there are not followed.
    (site,) = (environment / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return Installed(wheel, environment, home)


def test_the_package_comes_from_the_wheel_with_all_its_folders(installed: Installed) -> None:
    paths = installed.python(
        "import qms_mcp, qms_mcp.tools, qms_mcp.resources, qms_mcp.sql;"
        "print(*[m.__file__ for m in (qms_mcp, qms_mcp.tools, qms_mcp.resources, qms_mcp.sql)], sep='\\n')"
    ).splitlines()
    assert len(paths) == 4
    assert all(Path(path).is_relative_to(installed.environment) for path in paths), paths


def test_the_wheel_holds_all_files_of_the_product_and_no_others(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        (licence,) = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
    expected = {
        (prefix + str(path.relative_to(ROOT / folder)))
        for folder, prefix in {
            "qms_mcp": "qms_mcp/",
            "tools": "qms_mcp/tools/",
            "resources": "qms_mcp/resources/",
            "sql": "qms_mcp/sql/",
        }.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == expected
    assert any(name.startswith("qms_mcp/sql/migrations/0001_") for name in held)
    assert any(name.startswith("qms_mcp/sql/queries/") for name in held)


def test_the_command_explains_itself(installed: Installed) -> None:
    answer = installed.run(installed.command, "--help")
    assert "serve" in answer.stdout
    assert "demo" in answer.stdout
    assert "doctor" in answer.stdout


def test_the_command_lists_the_tools(installed: Installed) -> None:
    assert "list_tables" in installed.run(installed.command, "tools").stdout


def test_an_unknown_command_is_refused_in_words(installed: Installed) -> None:
    answer = installed.run(installed.command, "sreve", check=False)
    assert answer.returncode != 0
    assert "sreve" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_installed_server_migrates_its_database_and_answers_a_client(installed: Installed) -> None:
    async def first_answer(server: StdioServerParameters) -> str:
        with anyio.fail_after(60):
            async with Client(stdio_client(server)) as client:
                tools = await client.list_tools()
                assert "list_tables" in {tool.name for tool in tools.tools}
                answer = await client.call_tool("list_tables", {})
                assert not answer.is_error, answer.content
                return str(answer.content)

    with workplace(empty=True) as place:
        environment = {**installed.variables, "QMS_HOME": str(place.home), "QMS_LINGER_SECONDS": "1"}
        server = StdioServerParameters(command=installed.command, args=["serve"], env=environment, cwd=installed.home)
        assert "agent_runs" in anyio.run(first_answer, server)
