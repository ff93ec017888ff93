"""The plug-in's tables of inputs against the argument classes of the pulumi_docker SDK."""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Iterator, Mapping
from typing import Any

import pulumi
import pulumi_docker as docker
import pytest
from pulumi._types import input_type_py_to_pulumi_names

from offline.docker_provider.container import Container
from offline.docker_provider.network import Network
from offline.docker_provider.remote_image import RemoteImage
from offline.docker_provider.schema import Kind, Prop
from offline.docker_provider.volume import Volume

TYPES = [
    (Container.spec, docker.ContainerArgs),
    (Network.spec, docker.NetworkArgs),
    (Volume.spec, docker.VolumeArgs),
    (RemoteImage.spec, docker.RemoteImageArgs),
]

_SCALARS = {str: Kind.STRING, int: Kind.INTEGER, bool: Kind.BOOLEAN}


def _hints(arguments: type) -> dict[str, Any]:
    names = input_type_py_to_pulumi_names(arguments)
    # pulumi.Input names Output[T] by a forward reference.
    names_in_hints = vars(docker._inputs) | {"pulumi": pulumi, "Output": pulumi.Output, "T": Any}
    hints = {}
    for python_name, pulumi_name in names.items():
        getter = vars(arguments)[python_name].fget
        hints[pulumi_name] = typing.get_type_hints(getter, globalns=names_in_hints)["return"]
    return hints


def _bare(hint: Any) -> Any:
    """The type inside pulumi.Input[...] and Optional[...]."""
    if typing.get_origin(hint) is not typing.Union:
        return hint
    later = (pulumi.Output, Awaitable)
    options = [item for item in typing.get_args(hint) if item is not type(None)]
    return _bare(next(item for item in options if typing.get_origin(item) not in later))


def _nested(prop: Prop, hint: Any) -> type | None:
    bare = _bare(hint)
    if prop.kind is Kind.OBJECT:
        assert isinstance(bare, type)
        return bare
    if prop.kind is Kind.OBJECTS:
        item: type = _bare(typing.get_args(bare)[0])
        return item
    return None


def _kind(hint: Any) -> Kind:
    bare = _bare(hint)
    if bare in _SCALARS:
        return _SCALARS[bare]
    origin = typing.get_origin(bare)
    if origin is None:
        return Kind.OBJECT
    if issubclass(origin, Mapping):
        return Kind.STRING_MAP
    return Kind.STRINGS if _bare(typing.get_args(bare)[0]) is str else Kind.OBJECTS


def _tables(
    where: str, props: Mapping[str, Prop], refused: tuple[str, ...], arguments: type
) -> Iterator[tuple[str, Mapping[str, Prop], tuple[str, ...], type]]:
    yield where, props, refused, arguments
    hints = _hints(arguments)
    for name, prop in props.items():
        nested = _nested(prop, hints[name])
        if nested is not None:
            yield from _tables(f"{where}.{name}", prop.fields, prop.refused, nested)


ALL = [
    table
    for spec, arguments in TYPES
    for table in _tables(spec.token, spec.props, spec.refused, arguments)
]


@pytest.mark.parametrize(("where", "props", "refused", "arguments"), ALL, ids=[a[0] for a in ALL])
def test_table_holds_every_input_of_the_sdk_and_no_other(
    where: str, props: Mapping[str, Prop], refused: tuple[str, ...], arguments: type
) -> None:
    expected = set(input_type_py_to_pulumi_names(arguments).values())

    assert not set(props) & set(refused)
    assert set(props) | set(refused) == expected


@pytest.mark.parametrize(("where", "props", "refused", "arguments"), ALL, ids=[a[0] for a in ALL])
def test_inputs_have_the_types_of_the_sdk(
    where: str, props: Mapping[str, Prop], refused: tuple[str, ...], arguments: type
) -> None:
    hints = _hints(arguments)

    assert {name: prop.kind for name, prop in props.items()} == {
        name: _kind(hints[name]) for name in props
    }


@pytest.mark.parametrize(("where", "props", "refused", "arguments"), ALL, ids=[a[0] for a in ALL])
def test_required_inputs_are_those_of_the_sdk(
    where: str, props: Mapping[str, Prop], refused: tuple[str, ...], arguments: type
) -> None:
    hints = _hints(arguments)
    optional = {name for name, hint in hints.items() if type(None) in _alternatives(hint)}

    assert {name for name, prop in props.items() if prop.required} == set(props) - optional


def _alternatives(hint: Any) -> set[Any]:
    if typing.get_origin(hint) is not typing.Union:
        return {hint}
    return {found for item in typing.get_args(hint) for found in _alternatives(item)}


@pytest.mark.parametrize(("spec", "arguments"), TYPES, ids=[spec.token for spec, _ in TYPES])
def test_outputs_are_those_of_the_sdk(spec: Any, arguments: type) -> None:
    resource = getattr(docker, arguments.__name__.removesuffix("Args"))
    outputs = {
        getattr(attribute.fget, "_pulumi_name", name)
        for name, attribute in vars(resource).items()
        if isinstance(attribute, property)
    }

    assert set(spec.props) | set(spec.refused) | set(spec.outputs) == outputs
