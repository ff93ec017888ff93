"""The gRPC service: Pulumi's requests in, the resource types' answers out."""

from __future__ import annotations

import functools
import json
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from . import NAME, VERSION
from .check import Naming, NamingMode, check
from .container import Container
from .diff import Difference, diff, imported_inputs, refreshed_inputs
from .errors import Cancelled, CheckFailure, ProviderError
from .host import DockerHost, check_config
from .network import Network
from .remote_image import RemoteImage
from .resource import Context, Resource, known_inputs, preview_outputs
from .values import from_struct, to_struct
from .volume import Volume
from .waiting import Waiter

RESOURCES: Mapping[str, Resource] = {
    resource.spec.token: resource for resource in (Network(), Volume(), RemoteImage(), Container())
}

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _answers(method: _Method) -> _Method:
    """Turn exceptions into gRPC errors whose text is all that a person sees."""

    @functools.wraps(method)
    def call(self: Any, request: Any, context: Any) -> Any:
        try:
            return method(self, request, context)
        except Cancelled as error:
            context.abort(grpc.StatusCode.CANCELLED, str(error))
        except ProviderError as error:
            context.abort(grpc.StatusCode.UNKNOWN, self.told(error))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            what = f"{type(error).__name__}: {error}"
            context.abort(grpc.StatusCode.INTERNAL, f"the offline docker plug-in failed: {what}")

    return call  # type: ignore[return-value]


class DockerProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one engine. Secrets are left to the engine, which marks outputs by their inputs."""

    def __init__(self, waiter: Waiter | None = None) -> None:
        self._waiter = waiter or Waiter()
        self._host = DockerHost.from_config({})

    @_answers
    def Handshake(self, request: Any, context: Any) -> Any:
        """Say what this provider can do."""
        return provider_pb2.ProviderHandshakeResponse(supports_autonaming_configuration=True)

    @_answers
    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """The plug-in's version: that of the official one whose interface it keeps."""
        return plugin_pb2.PluginInfo(version=VERSION)

    @_answers
    def GetSchema(self, request: Any, context: Any) -> Any:
        """A small schema: which resource types there are."""
        schema = {"name": NAME, "version": VERSION, "resources": {token: {} for token in RESOURCES}}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    @_answers
    def GetMapping(self, request: Any, context: Any) -> Any:
        """No mapping from Terraform."""
        return provider_pb2.GetMappingResponse()

    @_answers
    def Attach(self, request: Any, context: Any) -> Any:
        """A debugger's engine took over; nothing depends on its address."""
        return empty_pb2.Empty()

    @_answers
    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Refuse settings that aren't supported."""
        failures = check_config(from_struct(request.news))
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(failures))

    @_answers
    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Another host is another place, yet nothing is replaced for it, as upstream."""
        changed = from_struct(request.olds) != from_struct(request.news)
        kind = provider_pb2.DiffResponse
        return kind(changes=kind.DIFF_SOME if changed else kind.DIFF_NONE)

    @_answers
    def Configure(self, request: Any, context: Any) -> Any:
        """Choose the Docker engine, and see that it answers."""
        config = from_struct(request.args)
        if not config:
            config = {key.rsplit(":", 1)[-1]: text for key, text in request.variables.items()}
        refused = check_config(config)
        if refused:
            raise ProviderError("; ".join(failure.reason for failure in refused))
        self._host = DockerHost.from_config(config)
        if config.get("disableDockerDaemonCheck") not in (True, "true"):
            self._host.client()
        return provider_pb2.ConfigureResponse(
            supportsPreview=True, supports_autonaming_configuration=True
        )

    @_answers
    def Check(self, request: Any, context: Any) -> Any:
        """Check inputs; fill in defaults and a name."""
        resource = _resource(request.urn)
        checked = check(
            resource.spec, from_struct(request.news), from_struct(request.olds), _naming(request)
        )
        return provider_pb2.CheckResponse(
            inputs=to_struct(checked.inputs), failures=_failures(checked.failures)
        )

    @_answers
    def Diff(self, request: Any, context: Any) -> Any:
        """What an update would change."""
        resource = _resource(request.urn)
        state, news = from_struct(request.olds), from_struct(request.news)
        old_inputs = from_struct(request.old_inputs) or known_inputs(state)
        wanted = resource.normalise(self._context(), state, old_inputs, news)
        ignored = frozenset(request.ignoreChanges)
        return _diff_response(diff(resource.spec, state, old_inputs, wanted, ignored))

    @_answers
    def Create(self, request: Any, context: Any) -> Any:
        """Make a resource; in a preview, say what is known of it."""
        resource = _resource(request.urn)
        inputs = from_struct(request.properties)
        if request.preview:
            outputs = preview_outputs(resource.spec, inputs)
            return provider_pb2.CreateResponse(properties=to_struct(outputs))
        made = resource.create(self._context(), inputs)
        return provider_pb2.CreateResponse(id=made.id, properties=to_struct(made.outputs))

    @_answers
    def Read(self, request: Any, context: Any) -> Any:
        """What a resource is now (refresh), or what it is at all (import)."""
        resource = _resource(request.urn)
        state, inputs = from_struct(request.properties), from_struct(request.inputs)
        found = resource.read(self._context(), request.id, state)
        if found is None:
            return provider_pb2.ReadResponse()
        if inputs:
            now = refreshed_inputs(resource.spec, inputs, state, found.outputs)
        else:
            now = imported_inputs(resource.spec, found.outputs)
        return provider_pb2.ReadResponse(
            id=found.id, properties=to_struct(found.outputs), inputs=to_struct(now)
        )

    @_answers
    def Update(self, request: Any, context: Any) -> Any:
        """Change a resource in place."""
        resource = _resource(request.urn)
        state, news = from_struct(request.olds), from_struct(request.news)
        if request.preview:
            outputs = {**state, **known_inputs(news)}
        else:
            outputs = resource.update(self._context(), request.id, state, news)
        return provider_pb2.UpdateResponse(properties=to_struct(outputs))

    @_answers
    def Delete(self, request: Any, context: Any) -> Any:
        """Remove a resource."""
        resource = _resource(request.urn)
        resource.delete(self._context(), request.id, from_struct(request.properties))
        return empty_pb2.Empty()

    @_answers
    def Cancel(self, request: Any, context: Any) -> Any:
        """Abort everything that waits."""
        self._waiter.cancel()
        return empty_pb2.Empty()

    @_answers
    def Invoke(self, request: Any, context: Any) -> Any:
        """Refuse a function by name."""
        raise ProviderError(
            f"function {request.tok} isn't supported by the offline plug-in",
            "use a resource, or the official plug-in",
        )

    @_answers
    def Call(self, request: Any, context: Any) -> Any:
        """Refuse a method by name."""
        raise ProviderError(f"method {request.tok} isn't supported by the offline plug-in")

    def told(self, error: ProviderError) -> str:
        """The error's text, with the engine's address where a stack has several."""
        return f"Docker host {self._host.url}: {error}" if self._host.named else str(error)

    def _context(self) -> Context:
        return Context(self._host.client(), self._waiter)


def _resource(urn: str) -> Resource:
    token = urn.split("::")[2].rsplit("$", 1)[-1]
    if token not in RESOURCES:
        raise ProviderError(
            f"resource type {token} isn't supported by the offline plug-in",
            f"it knows {', '.join(sorted(RESOURCES))}",
        )
    return RESOURCES[token]


def _naming(request: Any) -> Naming:
    name = request.name or request.urn.split("::", 3)[3]
    if not request.HasField("autonaming"):
        return Naming(name, request.randomSeed)
    options = request.autonaming
    disabled = options.mode == provider_pb2.CheckRequest.AutonamingOptions.DISABLE
    mode = NamingMode.DISABLED if disabled else NamingMode.PROPOSED
    return Naming(name, request.randomSeed, mode, options.proposed_name)


def _failures(failures: Iterable[CheckFailure]) -> list[Any]:
    return [
        provider_pb2.CheckFailure(property=failure.path, reason=failure.reason)
        for failure in failures
    ]


def _diff_response(difference: Difference) -> Any:
    kind = provider_pb2.DiffResponse
    return kind(
        changes=kind.DIFF_SOME if difference.changes else kind.DIFF_NONE,
        diffs=sorted(difference.changes),
        replaces=sorted(difference.replaces),
        deleteBeforeReplace=difference.delete_before_replace,
        hasDetailedDiff=True,
        detailedDiff={
            name: provider_pb2.PropertyDiff(
                kind=provider_pb2.PropertyDiff.Kind.Value(
                    f"{change.change.name}{'_REPLACE' if change.replaces else ''}"
                ),
                inputDiff=change.inputs_changed,
            )
            for name, change in difference.changes.items()
        },
    )
