"""Images: which recipe makes which image, what goes into a build, where the base comes from."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from offline import base_image, images, recipes
from offline.base_image import BaseImageStep
from offline.docker_api import read_folder, tar_of
from offline.host import Command, Host, SetupError
from offline.images import ImageStep
from offline.paths import Places
from offline.recipes import Recipe
from offline.setup import TREE


@dataclass
class FakeDocker:
    """An engine that keeps images by name; a pull works if `online`."""

    online: bool = False
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    context: bytes = b""
    arguments: dict[str, str] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    pulls: int = 0
    commits: int = 0

    def image(self, name: str) -> dict[str, Any] | None:
        return self.known.get(name)

    def pull(self, name: str, tag: str, told: object) -> None:
        self.pulls += 1
        if not self.online:
            raise SetupError("no such host")
        self.known[f"{name}:{tag}"] = {"Id": "sha256:official", "Config": {}}

    def tag(self, image: str, name: str, tag: str) -> None:
        self.known[f"{name}:{tag}"] = self.known[image]

    def import_root(self, tar: io.BufferedReader, name: str, tag: str, comment: str) -> None:
        tar.read()
        self.known[f"{name}:{tag}"] = {"Id": "sha256:made", "Config": {}, "Comment": comment}

    def build(self, folder: bytes, arguments: dict[str, str], told: Any) -> str:
        self.context, self.arguments = folder, arguments
        told("\x1b[91mStep 1\x1b[0m\n")
        return "sha256:raw"

    def read_and_commit(self, image: str, path: str, changes: Any) -> str:
        named = changes(b"PG_VERSION=13.16-0\n")
        lines = named["changes"].splitlines()
        config = {
            "Env": [line.removeprefix("ENV ") for line in lines if line.startswith("ENV ")],
            "Labels": {
                name: value.strip('"')
                for line in lines
                if line.startswith("LABEL ")
                for name, value in [line.removeprefix("LABEL ").split("=")]
            },
        }
        self.commits += 1
        made = {"Id": f"sha256:{self.commits}", "Config": config}
        self.known[f"{named['repo']}:{named['tag']}"] = made
        return str(made["Id"])

    def forget(self, image: str) -> None:
        self.forgotten.append(image)


@dataclass
class FakeHost(Host):
    """A Debian host whose debootstrap works."""

    calls: list[tuple[str, ...]] = field(default_factory=list)
    apt: str = ""

    def which(self, program: str) -> Path | None:
        return Path("/usr/bin") / program

    def is_root(self) -> bool:
        return True

    def run(self, command: Command) -> str:
        words = tuple(str(word) for word in command.argv)
        self.calls.append(words)
        if words[0] == "debootstrap":
            (Path(words[3]) / "usr/share/doc/x").mkdir(parents=True)
            (Path(words[3]) / "usr/share/doc/x/readme").write_text("x")
        if "download" in words:
            folder = Path(words[words.index("--dest") + 1])
            folder.mkdir()
            with zipfile.ZipFile(folder / "x-1.whl", "w") as wheel:
                program = zipfile.ZipInfo("x/bin/run")
                program.external_attr = 0o755 << 16
                wheel.writestr(program, "#!/bin/sh\n")
                wheel.writestr("x/data", "data")
        if words[:2] == ("apt-get", "indextargets"):
            return "http://mirror.example/debian/\nhttp://mirror.example/debian/\n"
        return self.apt if words[0] == "apt-config" else ""


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    made = FakeDocker()
    for module in (base_image, images):
        monkeypatch.setattr(module, "engine", lambda host: made)
    return made


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(Places(tmp_path / "tree", tmp_path / "cache"), {})


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    folder = tmp_path / "tree" / "fixtures" / "images" / "postgresql-13"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM x\n")
    (folder / "start.sh").write_text("#!/bin/sh\n")
    (folder / images.HOST_APT).write_text("// nothing\n")
    return Recipe(folder)


def test_a_folder_names_its_image(recipe: Recipe, host: Host) -> None:
    assert recipe.name == "pra/postgresql:13"
    assert recipes.recipes(host.places.tree) == [recipe]


def test_a_recipe_tells_its_base_and_the_groups_that_ask_for_it(recipe: Recipe, host: Host) -> None:
    assert (recipe.suite, recipe.needs_wheels) == (recipes.SUITE, False)
    asked = recipe.folder.parent / "odoo-19.0"
    asked.mkdir()
    (asked / "Dockerfile").write_text("# of sid\nFROM pra/debian:sid\n")
    (asked / recipes.ON_DEMAND).write_text("odoo19\n")
    assert [one.name for one in recipes.recipes(host.places.tree)] == ["pra/postgresql:13"]
    assert len(recipes.recipes(host.places.tree, ("openprod",))) == 1
    for groups in (("odoo19",), (recipes.ALL,)):
        both = recipes.recipes(host.places.tree, groups)
        assert {one.name: one.suite for one in both}["pra/odoo:19.0"] == "sid"
    assert BaseImageStep("sid").name != BaseImageStep().name


def test_recipes_share_a_dockerfile_and_differ_by_its_arguments(
    recipe: Recipe, host: FakeHost, docker: FakeDocker
) -> None:
    (recipe.folder / "Dockerfile").write_text("ARG SUITE\nFROM pra/debian:$SUITE\n")
    (recipe.folder / recipes.ARGUMENTS).write_text("SUITE=sid\nPG_MAJOR=18\n")
    assert (recipe.suite, recipe.parents) == ("sid", ("pra/debian:sid",))
    docker.known["pra/debian:sid"] = {"Id": "sha256:base"}
    ImageStep(recipe).make(host)
    assert docker.arguments == {"SUITE": "sid", "PG_MAJOR": "18"}


def test_wheels_are_downloaded_once_and_go_into_the_build(
    recipe: Recipe, host: FakeHost, docker: FakeDocker
) -> None:
    (recipe.folder / "wheels.txt").write_text("# CPython 3.9\nx==1 --hash=sha256:0\n")
    assert recipe.needs_wheels
    ImageStep(recipe).make(host)
    ImageStep(recipe).make(host)

    (call,) = [call for call in host.calls if "download" in call]
    assert {"--require-hashes", "--no-deps", "--python-version=3.9"} <= set(call)
    assert call[0] == str(host.places.python)
    with tarfile.open(fileobj=io.BytesIO(docker.context)) as archive:
        assert "wheels/x-1.whl" in archive.getnames()
        assert "wheels/x/data" not in archive.getnames()


def test_wheels_go_unpacked_into_a_build_that_only_copies(
    recipe: Recipe, host: FakeHost, docker: FakeDocker
) -> None:
    (recipe.folder / "wheels-unpacked.txt").write_text("# CPython 3.11\nx==1 --hash=sha256:0\n")
    assert recipe.needs_wheels
    ImageStep(recipe).make(host)

    with tarfile.open(fileobj=io.BytesIO(docker.context)) as archive:
        modes = {m.name: m.mode for m in archive.getmembers() if m.name.startswith("wheels/")}
    assert modes == {"wheels/x/bin/run": 0o755, "wheels/x/data": 0o644}


def test_wheels_for_no_python_are_refused(recipe: Recipe, host: FakeHost) -> None:
    (recipe.folder / "wheels.txt").write_text("x==1\n")
    with pytest.raises(SetupError, match="which CPython"):
        ImageStep(recipe).make(host)


def test_another_content_or_mode_means_another_image(recipe: Recipe) -> None:
    first = recipe.fingerprint
    assert recipe.fingerprint == first
    (recipe.folder / "start.sh").chmod(0o755)
    second = recipe.fingerprint
    (recipe.folder / "Dockerfile").write_text("FROM y\n")
    assert len({first, second, recipe.fingerprint}) == 3


def test_an_image_is_built_once_for_a_recipe(
    recipe: Recipe, host: FakeHost, docker: FakeDocker
) -> None:
    step = ImageStep(recipe)
    assert step.probe(host) is None

    (made,) = step.make(host)

    assert (made.name, made.version, made.source) == ("pra/postgresql:13", "13.16-0", "built")
    assert step.probe(host) == [made]
    assert docker.forgotten == []
    (recipe.folder / "Dockerfile").write_text("FROM y\n")
    assert step.probe(host) is None
    step.make(host)
    assert docker.forgotten == ["sha256:1"]


@pytest.fixture
def derived(recipe: Recipe, docker: FakeDocker) -> ImageStep:
    """An image built on a base that is there."""
    (recipe.folder / "Dockerfile").write_text("FROM pra/debian:bullseye\n")
    docker.known["pra/debian:bullseye"] = {"Id": "sha256:base", "RootFS": {"Layers": ["a"]}}
    return ImageStep(recipe)


def test_another_parent_means_another_image(
    derived: ImageStep, host: FakeHost, docker: FakeDocker
) -> None:
    (made,) = derived.make(host)
    assert derived.probe(host) == [made]

    docker.known["pra/debian:bullseye"]["Id"] = "sha256:newer"
    assert derived.probe(host) is None
    (again,) = derived.make(host)
    assert derived.probe(host) == [again] != [made]
    del docker.known["pra/debian:bullseye"]
    assert derived.probe(host) is None


def test_an_image_of_before_that_label_is_told_by_its_lowest_layers(
    derived: ImageStep, host: FakeHost, docker: FakeDocker
) -> None:
    (made,) = derived.make(host)
    image = docker.known[derived.recipe.name]
    del image["Config"]["Labels"][images.PARENTS]
    image["RootFS"] = {"Layers": ["a", "b"]}
    assert derived.probe(host) == [made], "what stands on its base is not built again"

    docker.known["pra/debian:bullseye"]["RootFS"] = {"Layers": ["c"]}
    assert derived.probe(host) is None


def test_a_build_gets_the_hosts_way_to_fetch_packages_only(
    recipe: Recipe, host: FakeHost, docker: FakeDocker
) -> None:
    host.apt = (
        'Acquire::Check-Valid-Until "false";\n'
        'Acquire::http::Proxy "http://proxy:3142";\n'
        'DPkg::Post-Invoke:: "rm -rf /";\n'
        'Acquire::IndexTargets::deb::DEP-11 "";\n'
    )

    ImageStep(recipe).make(host)

    with tarfile.open(fileobj=io.BytesIO(docker.context)) as archive:
        member = archive.extractfile(images.HOST_APT)
        assert member is not None
        assert member.read().decode() == "".join(host.apt.splitlines(keepends=True)[:2])
    assert (recipe.folder / images.HOST_APT).read_text() == "// nothing\n"


def test_a_failed_build_names_image_and_log(
    recipe: Recipe, host: FakeHost, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: bytes, arguments: dict[str, str], told: Any) -> str:
        told("E: Unable to locate package\n")
        raise SetupError("Docker: exit 100")

    monkeypatch.setattr(docker, "build", broken)
    with pytest.raises(SetupError) as caught:
        ImageStep(recipe).make(host)
    assert "pra/postgresql:13 cannot be built: Docker: exit 100" in str(caught.value)
    assert "| E: Unable to locate package" in str(caught.value)


def test_the_official_base_comes_first(host: FakeHost, docker: FakeDocker) -> None:
    docker.online = True

    (made,) = BaseImageStep().make(host)

    assert made.source == "pulled"
    assert docker.known["pra/debian:bullseye"]["Id"] == "sha256:official"
    assert not any(call[0] == "debootstrap" for call in host.calls)


def test_without_it_the_base_is_made_from_the_hosts_own_archive(
    host: FakeHost, docker: FakeDocker
) -> None:
    (made,) = BaseImageStep().make(host)

    assert made.source == "made by debootstrap"
    call = next(call for call in host.calls if call[0] == "debootstrap")
    assert call[1:3] == ("--variant=minbase", "bullseye")
    assert call[4:] == ("http://mirror.example/debian/",)
    docker.known.clear()
    BaseImageStep().make(host)
    assert docker.pulls == 1, "a registry that did not answer is left alone for a while"


def test_aptss_proxy_is_debootstraps_too(host: FakeHost) -> None:
    host.apt = 'Acquire::http::Proxy "http://proxy:3142";\n'
    assert base_image.proxy(host) == {"http_proxy": "http://proxy:3142"}
    host.apt = ""
    assert base_image.proxy(host) == {}


def test_a_root_loses_its_documentation_for_good(tmp_path: Path) -> None:
    (tmp_path / "usr/share/man/man1").mkdir(parents=True)
    (tmp_path / "usr/share/man/man1/ls.1").write_text("x")
    (tmp_path / "var/cache/apt").mkdir(parents=True)
    (tmp_path / "var/cache/apt/pkgcache.bin").write_text("x")

    base_image.slim(tmp_path)

    assert not list((tmp_path / "usr/share/man").iterdir())
    assert not list((tmp_path / "var/cache/apt").iterdir())
    assert "/usr/share/man/*" in (tmp_path / "etc/dpkg/dpkg.cfg.d/slim").read_text()


def test_a_folder_makes_the_same_tar_each_time(recipe: Recipe) -> None:
    files = read_folder(recipe.folder)
    assert tar_of(files) == tar_of(dict(reversed(files.items())))


def test_what_the_dockerfiles_that_ship_copy_is_there() -> None:
    fetched = re.compile(r"host/|wheels")
    for one in recipes.recipes(TREE, (recipes.ALL,)):
        text = (one.folder / "Dockerfile").read_text()
        for copied in re.findall(r"^COPY (?:--chown=\S+ )?([^-].*) \S+$", text, re.MULTILINE):
            for source in copied.split():
                assert fetched.match(source) or (one.folder / source).exists(), (one.name, source)
