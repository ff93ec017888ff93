"""Where set-up takes Pulumi and its Docker provider from: PATH, official sites, what it builds."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest

from offline import pulumi_cli, versions
from offline.host import Command, Host, SetupError
from offline.paths import Places
from offline.plugin import BINARY, FOLDER, PluginStep, launcher
from offline.pulumi_cli import PulumiStep


@dataclass
class FakeHost(Host):
    """A host with the programs in `programs`, on the internet or not."""

    programs: dict[str, Path] = field(default_factory=dict)
    pulumi_version: str = "v3.259.0"
    go_version: str = "go1.26.8"
    online: bool = False
    calls: list[tuple[str, ...]] = field(default_factory=list)
    variables: list[dict[str, str]] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)

    def which(self, program: str) -> Path | None:
        return self.programs.get(program)

    def run(self, command: Command) -> str:
        words = tuple(str(word) for word in command.argv)
        self.calls.append(words)
        self.variables.append(dict(command.variables))
        if words[1:] == ("version",):
            return f"{self.pulumi_version}\n"
        if words[1:] == ("env", "GOVERSION"):
            return f"{self.go_version}\n"
        if words[1:2] == ("build",):
            Path(words[words.index("-o") + 1]).write_text("binary")
        if words[1:3] == ("list", "-m"):
            return str(self.module())
        if "--target" in words:
            go = Path(words[words.index("--target") + 1]) / "go" / "bin" / "go"
            go.parent.mkdir(parents=True)
            go.write_text("go")
        if words[1:3] == ("plugin", "install"):
            if not self.online:
                raise SetupError("no route")
            made = Path(command.variables["PULUMI_HOME"]) / "plugins" / FOLDER
            made.mkdir(parents=True)
            (made / BINARY).write_text("official")
        return ""

    def module(self) -> Path:
        """A module's folder with the two scripts of the language host."""
        folder = self.places.cache / "module"
        for script in pulumi_cli.SCRIPTS:
            (folder / "python" / script).parent.mkdir(parents=True, exist_ok=True)
            (folder / "python" / script).write_text("script")
        return folder

    def download(self, url: str, target: Path, *, timeout: float) -> None:
        self.urls.append(url)
        if not self.online:
            raise SetupError("no route")
        with tarfile.open(target, "w:gz") as archive:
            for name in (pulumi_cli.CLI, pulumi_cli.LANGUAGE_HOST):
                member = tarfile.TarInfo(f"pulumi/{name}")
                member.size = 1
                archive.addfile(member, BytesIO(b"x"))


def fake(tmp_path: Path, **options: object) -> FakeHost:
    made = FakeHost(Places(tmp_path / "tree", tmp_path / "cache"), {}, **options)  # type: ignore[arg-type]
    made.programs.setdefault("go", Path("/fake/go"))
    return made


def with_pulumi(version: str, tmp_path: Path) -> FakeHost:
    programs = {name: Path("/opt") / name for name in ("pulumi", "pulumi-language-python")}
    return fake(tmp_path, programs=programs, pulumi_version=version)


def test_a_fitting_pulumi_on_path_is_used(tmp_path: Path) -> None:
    host = with_pulumi("v3.300.1", tmp_path)

    found = PulumiStep().probe(host)

    assert [(c.version, c.source) for c in found or []] == [("3.300.1", "PATH"), ("", "PATH")]
    assert pulumi_cli.tools_path(host) == []


@pytest.mark.parametrize("version", ["v3.258.9", "v4.0.0", "v2.1.0", "unknown"])
def test_another_pulumi_on_path_is_not_used(version: str, tmp_path: Path) -> None:
    host = with_pulumi(version, tmp_path)
    assert PulumiStep().probe(host) is None
    assert pulumi_cli.tools_path(host) == [pulumi_cli.cached(host)]


def test_a_pulumi_without_its_python_host_is_not_used(tmp_path: Path) -> None:
    host = with_pulumi("v3.259.0", tmp_path)
    del host.programs["pulumi-language-python"]
    assert PulumiStep().probe(host) is None


def test_the_official_download_comes_first(tmp_path: Path) -> None:
    host = fake(tmp_path, online=True)

    made = PulumiStep().make(host)

    assert [c.source for c in made] == [pulumi_cli.OFFICIAL] * 2
    assert not any("build" in call for call in host.calls)
    assert PulumiStep().probe(host) == made


def test_without_it_both_are_built_and_the_site_is_left_alone(tmp_path: Path) -> None:
    host = fake(tmp_path)

    made = PulumiStep().make(host)

    assert [(c.version, c.source) for c in made] == [
        (versions.PULUMI, pulumi_cli.BUILT),
        (versions.LANGUAGE_HOST_MODULE, pulumi_cli.BUILT),
    ]
    folder = pulumi_cli.cached(host)
    assert sorted(path.name for path in folder.iterdir()) == [
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-resource-pulumi-python",
    ]
    assert PulumiStep().probe(host) == made
    assert not host.may_download(pulumi_cli.SITE)
    assert len(host.urls) == 1


def test_a_build_that_fails_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    host = fake(tmp_path)

    def broken(command: Command) -> str:
        raise SetupError("compiler error")

    host.run = broken  # type: ignore[method-assign]
    with pytest.raises(SetupError, match="compiler error"):
        PulumiStep().make(host)
    assert PulumiStep().probe(host) is None
    assert not list(host.places.cache.glob(".making*"))


@pytest.mark.parametrize(
    ("version", "fetched", "toolchain"),
    [
        ("go1.25.11", False, None),
        ("go1.27", False, None),
        ("go1.21.0", False, "auto"),
        ("go1.19.8", True, "local"),
        (None, True, "local"),
    ],
)
def test_a_go_that_is_missing_or_too_old_is_fetched(
    version: str | None, fetched: bool, toolchain: str | None, tmp_path: Path
) -> None:
    host = fake(tmp_path, go_version=version or "")
    if version is None:
        host.programs["go"] = None  # type: ignore[assignment]

    PulumiStep().make(host)

    assert any("--require-hashes" in call for call in host.calls) is fetched
    build = next(i for i, call in enumerate(host.calls) if call[1] == "build")
    assert host.variables[build].get("GOTOOLCHAIN") == toolchain


def test_the_official_plugin_comes_first_and_is_shared(tmp_path: Path) -> None:
    host = fake(tmp_path, online=True)

    (made,) = PluginStep().make(host)

    assert made.source == "official download"
    assert Path(made.path).read_text() == "official"
    assert (host.places.pulumi_home / "plugins" / FOLDER).is_symlink()
    assert PluginStep().probe(host) == [made]


def test_without_it_a_launcher_of_this_tree_is_laid(tmp_path: Path) -> None:
    host = fake(tmp_path)

    (made,) = PluginStep().make(host)

    binary = Path(made.path)
    assert made.source == "offline plug-in"
    assert binary.stat().st_mode & 0o777 == 0o755
    assert f"exec {host.places.python} -m offline.docker_provider" in binary.read_text()
    assert PluginStep().probe(host) == [made]


def test_no_plugin_is_asked_for_once_the_cli_site_did_not_answer(tmp_path: Path) -> None:
    host = fake(tmp_path)
    host.remember_unreachable(pulumi_cli.SITE, "no route")
    PluginStep().make(host)
    assert host.calls == []


def test_a_launcher_of_another_tree_is_replaced(tmp_path: Path) -> None:
    host = fake(tmp_path)
    laid = host.places.pulumi_home / "plugins" / FOLDER
    laid.mkdir(parents=True)
    (laid / BINARY).write_text("#!/bin/sh\nexec /elsewhere/python\n")

    assert PluginStep().probe(host) is None
    PluginStep().make(host)
    assert (laid / BINARY).read_text() == launcher(host)


def test_a_retry_replaces_the_launcher_by_the_official_plugin(tmp_path: Path) -> None:
    host = fake(tmp_path)
    PluginStep().make(host)
    retry = FakeHost(host.places, {"PRA_RETRY_DOWNLOADS": "1"}, online=True)

    assert PluginStep().probe(retry) is None
    (made,) = PluginStep().make(retry)
    assert made.source == "official download"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("v3.259.0", (3, 259, 0)), ("go1.26.8", (1, 26, 8)), ("3.1.0-alpha.2", (3, 1, 0)), ("x", ())],
)
def test_versions_are_read(text: str, numbers: tuple[int, ...]) -> None:
    assert versions.numbers(text) == numbers
