"""The built wheel holds everything, and works in an environment of its own, outside the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from restore import __version__
from restore.errors import ExitCode
from restore.model import Generation
from restore.model.locations import ROOT, state_folder
from restore.repository.folder import FolderRepository

PACKAGES = ("restore", "stacks")
DATA = {".yaml", ".json", ".sql", ".css", ".j2", ".svg"}


@dataclass(frozen=True)
class Installed:
    """The wheel, and the folder of the fresh environment that it is installed in."""

    wheel: Path
    environment: Path

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, outside the tree."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PRA_"))}
        return subprocess.run(
            [self.environment / "bin" / argv[0], *argv[1:]],
            cwd=self.environment,
            env={**inherited, "HOME": str(self.environment / "home"), "XDG_STATE_HOME": ""},
            capture_output=True,
            text=True,
            check=False,
        )


def pip(*arguments: str | Path) -> None:
    """Run this interpreter's pip, which must not reach for the network."""
    quiet = ("--quiet", "--disable-pip-version-check")
    subprocess.run([sys.executable, "-m", "pip", *quiet, *arguments], check=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build the wheel from a copy of the sources, so that no earlier build leaks into it."""
    folder = tmp_path_factory.mktemp("wheel")
    source, environment = folder / "source", folder / "environment"
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, source / package, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    offline = ("--no-deps", "--no-index")
    pip("wheel", *offline, "--no-build-isolation", "--wheel-dir", folder, source)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    pip("--python", environment / "bin" / "python", "install", "--no-compile", *offline, wheel)
    # The packages that it asks for are those of this environment; a line of a .pth file adds the
    # folder only, not this tree, which that folder's own .pth files name.
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    here = environment / "lib" / version / "site-packages" / "requirements.pth"
    here.write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return Installed(wheel, environment)


def test_every_module_and_data_file_is_in_the_wheel(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        held = set(wheel.namelist())
    needed = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in {".py", *DATA}
    }
    assert needed - held == set()
    assert not any(name.startswith(("tests/", "fixtures/", "offline/")) for name in held)
    assert any(name.endswith("licenses/LICENSE") for name in held)


def test_it_runs_outside_the_tree(
    installed: Installed, repository: FolderRepository, small_generation: Generation
) -> None:
    where = installed.run("python", "-c", "import restore; print(restore.__file__)").stdout
    assert where.startswith(str(installed.environment))
    assert __version__ in installed.run("pra", "--version").stdout
    assert "drill" in installed.run("pra", "--help").stdout
    assert "odoo" in installed.run("pra", "profile", "list").stdout
    verified = installed.run(
        "pra", "verify", small_generation.id, "--repository", repository.location
    )
    assert verified.returncode == ExitCode.PASS, verified.stderr


def test_it_says_what_only_a_clone_has(
    installed: Installed, repository: FolderRepository, small_generation: Generation
) -> None:
    arguments = ("--repository", repository.location, "--generation", small_generation.id)
    drilled = installed.run("pra", "drill", *arguments)
    assert drilled.returncode == ExitCode.NOT_FOUND
    assert "Pulumi.drill.yaml" in drilled.stderr and "clone" in drilled.stderr
    home = installed.environment / "home" / ".local" / "state" / "pra"
    (home / "Pulumi.drill.yaml").parent.mkdir(parents=True, exist_ok=True)
    (home / "Pulumi.drill.yaml").write_text("config: {}\n", encoding="utf-8")
    drilled = installed.run("pra", "drill", *arguments)
    assert drilled.returncode == ExitCode.ENVIRONMENT
    assert "no Pulumi program" in drilled.stderr and "clone" in drilled.stderr
    assert list((home / "reports").glob("*/report.json"))


@pytest.mark.parametrize(
    ("environ", "state"),
    [
        ({"XDG_STATE_HOME": "/var/state", "HOME": "/home/a"}, "/var/state/pra"),
        ({"XDG_STATE_HOME": "state", "HOME": "/home/a"}, "/home/a/.local/state/pra"),
        ({"HOME": "/home/a"}, "/home/a/.local/state/pra"),
    ],
)
def test_state_of_an_installed_package_is_the_users(
    environ: dict[str, str], state: str, tmp_path: Path
) -> None:
    assert state_folder(tmp_path, environ) == Path(state)
    (tmp_path / "Pulumi.yaml").touch()
    assert state_folder(tmp_path, environ) == tmp_path / ".pra"
