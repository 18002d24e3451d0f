"""Answers TensorFlow Serving's PredictionService and ModelService, with its status codes and words.

The words are those of its sources: `servables/tensorflow/predict_util.cc`, `model_servers/get_model_status_impl.cc`,
`servables/tensorflow/get_model_metadata_impl.cc`, `core/basic_manager.cc` and `model_servers/server_core.cc`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

import grpc
import numpy.typing as npt

from common.errors import ModelError
from service.protos import messages
from service.protos.messages import ModelVersionStatus
from service.protos.tensors import read_tensor, write_tensor

_DEFAULT_SIGNATURE = "serving_default"
_MOST_OF_A_MESSAGE = 1024
"""Characters of an error's text, as in TensorFlow Serving's `grpc_status_util.cc`: gRPC sends it as a header."""

_CODES = {code.value[0]: code for code in grpc.StatusCode}
"""TensorFlow's error codes are gRPC's."""


class SignatureError(ModelError):
    """TensorFlow could not run a signature.

    Args:
        code: TensorFlow's error code.
        message: Its words.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Loaded(Protocol):
    """A loaded version, as `saved_model.SavedModel`, which this module does not import.

    Importing TensorFlow takes seconds, and the status must be answered before.
    """

    @property
    def signatures(self) -> Mapping[str, Any]:
        """Name to SignatureDef."""
        ...

    def run(
        self, signature: str, inputs: Mapping[str, npt.NDArray[Any]], outputs: Sequence[str] = ()
    ) -> dict[str, npt.NDArray[Any]]:
        """Runs a signature, and raises SignatureError if it fails."""
        ...


@dataclass
class Model:
    """A served model: what is there of its versions."""

    name: str
    versions: dict[int, Loaded | None]
    """Number to the loaded version; None while it is being loaded."""

    labels: Mapping[str, int] = field(default_factory=dict)
    """Label to the version's number."""


class Servicer:
    """The two services for one model.

    Args:
        model: The model. Its versions may change while the servicer is used.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """The handlers for `grpc.server`."""
        services: dict[str, dict[str, Any]] = {messages.PREDICTION_SERVICE: {}, messages.MODEL_SERVICE: {}}
        for path, answer, request, response in (
            (messages.PREDICT, self.predict, messages.PredictRequest, messages.PredictResponse),
            (
                messages.GET_MODEL_METADATA,
                self.metadata,
                messages.GetModelMetadataRequest,
                messages.GetModelMetadataResponse,
            ),
            (messages.GET_MODEL_STATUS, self.status, messages.GetModelStatusRequest, messages.GetModelStatusResponse),
        ):
            _, service, method = path.split("/")
            services[service][method] = grpc.unary_unary_rpc_method_handler(
                answer, request.FromString, response.SerializeToString
            )
        return [grpc.method_handlers_generic_handler(name, methods) for name, methods in services.items()]

    def predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answers `PredictionService.Predict`."""
        version, model = self._version(request.model_spec, context)
        if not context.is_active():  # the client has gone while the request waited for a thread
            context.abort(grpc.StatusCode.CANCELLED, "the client has gone")
        name = request.model_spec.signature_name or _DEFAULT_SIGNATURE
        if name not in model.signatures:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
        response = messages.PredictResponse()
        response.model_spec.name, response.model_spec.version.value = self._model.name, version
        response.model_spec.signature_name = name
        inputs = _inputs(request, model.signatures[name], context)
        for output, array in _run(model, name, inputs, request.output_filter, context).items():
            write_tensor(array, response.outputs[output])
        return response

    def metadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answers `PredictionService.GetModelMetadata`."""
        if not request.metadata_field:
            _refuse(context, "GetModelMetadataRequest must specify at least one metadata_field")
        for name in request.metadata_field:
            if name != "signature_def":
                _refuse(context, f"Metadata field {name} is not supported")
        version, model = self._version(request.model_spec, context)
        signatures = messages.SignatureDefMap()
        for name, definition in model.signatures.items():
            signatures.signature_def[name].MergeFromString(definition.SerializeToString())
        response = messages.GetModelMetadataResponse()
        response.model_spec.name, response.model_spec.version.value = self._model.name, version
        response.metadata["signature_def"].Pack(signatures)
        return response

    def status(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answers `ModelService.GetModelStatus`."""
        spec, response = request.model_spec, messages.GetModelStatusResponse()
        versions = self._model.versions if spec.name == self._model.name else {}
        if not versions:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        asked = self._number(spec, context)
        if asked is not None and asked not in versions:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Could not find version {asked} of model {spec.name}")
        for number in sorted(versions, reverse=True) if asked is None else [asked]:
            state = ModelVersionStatus.LOADING if versions[number] is None else ModelVersionStatus.AVAILABLE
            response.model_version_status.add(version=number, state=state).status.SetInParent()
        return response

    def _version(self, spec: Any, context: grpc.ServicerContext) -> tuple[int, Loaded]:
        """The version that a request is for: by number, by label, or the newest."""
        if not spec.name:
            _refuse(context, "Missing ModelSpec")
        asked = self._number(spec, context)
        loaded = {number: model for number, model in self._model.versions.items() if model is not None}
        number = max(loaded, default=None) if asked is None else asked
        if spec.name != self._model.name or number not in loaded:
            which = f"Latest({spec.name})" if asked is None else f"Specific({spec.name}, {asked})"
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {which}")
        assert number is not None
        return number, loaded[number]

    def _number(self, spec: Any, context: grpc.ServicerContext) -> int | None:
        if spec.version_label:
            if spec.version_label not in self._model.labels:
                _refuse(context, f"Unrecognized servable version label: {spec.version_label}")
            return self._model.labels[spec.version_label]
        return spec.version.value if spec.HasField("version") else None


def _inputs(request: Any, signature: Any, context: grpc.ServicerContext) -> dict[str, Any]:
    sent, declared = {*request.inputs}, {*signature.inputs}
    if sent != declared:
        _refuse(
            context,
            f"input size does not match signature: {len(sent)}!={len(declared)} len({{{_listed(sent)}}}) != "
            f"len({{{_listed(declared)}}}). Sent extra: {{{_listed(sent - declared)}}}. "
            f"Missing but required: {{{_listed(declared - sent)}}}.",
        )
    inputs = {}
    for name, proto in request.inputs.items():
        try:
            inputs[name] = read_tensor(proto)
        except ValueError:
            _refuse(context, f"tensor parsing error: {name}")
    return inputs


def _run(
    model: Loaded, signature: str, inputs: Mapping[str, Any], wanted: Any, context: grpc.ServicerContext
) -> dict[str, Any]:
    for output in wanted:
        if output not in model.signatures[signature].outputs:
            _refuse(
                context,
                f"output tensor alias not found in signature: {output} Outputs expected to be in the set "
                f"{{{_listed(model.signatures[signature].outputs)}}}.",
            )
    try:
        return model.run(signature, inputs, wanted)
    except SignatureError as e:
        context.abort(_CODES.get(e.code, grpc.StatusCode.UNKNOWN), str(e)[:_MOST_OF_A_MESSAGE])
        raise


def _refuse(context: grpc.ServicerContext, details: str) -> NoReturn:
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, details)
    raise AssertionError("abort raises")


def _listed(names: Any) -> str:
    return ",".join(sorted(names))
