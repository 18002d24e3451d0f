"""The command line of the model process.

    python -m service.model_process --address unix:/run/model.sock --model-name shop 1795978097=/models/1795978097

It listens at once, and answers GetModelStatus with LOADING until TensorFlow has loaded all versions, then with
AVAILABLE. SIGTERM lets the requests that it has end. It exits with 1 and a message if a version cannot be loaded.
"""

import argparse
import logging
import os
import signal
import sys
import threading
import warnings

from common.errors import PerennialError
from service.ending import end_with_stdin
from service.model_process import ENVIRONMENT
from service.model_process.server import Tls, serve
from service.model_process.servicer import Model


def main(argv: list[str]) -> int:
    """Serves until a signal comes.

    Args:
        argv: The arguments.

    Returns:
        The exit status.
    """
    arguments = _parser().parse_args(argv)
    if arguments.end_with_stdin:
        end_with_stdin()
    # A message about an exception in a request would hold what was asked.
    logging.getLogger("grpc").setLevel(logging.CRITICAL + 1)
    model = Model(arguments.model_name, {number: None for number, _ in arguments.versions}, dict(arguments.label))
    tls = None
    if arguments.certificate_file:
        tls = Tls(arguments.certificate_file, arguments.key_file, arguments.client_ca_file)
    try:
        server, port = serve(model, arguments.address, tls)
        print(f"listening at port {port}", flush=True)
        _load(model, arguments)
    except PerennialError as e:
        print(e, file=sys.stderr)
        return 1
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):  # until here, a signal has ended the process at once
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    server.stop(arguments.drain_seconds).wait()
    return 0


def _load(model: Model, arguments: argparse.Namespace) -> None:
    os.environ.update(ENVIRONMENT)
    warnings.simplefilter("ignore")  # what libraries will drop some day is not for those who run a service
    from service.model_process.saved_model import SavedModel

    for number, folder in arguments.versions:
        model.versions[number] = SavedModel(
            folder, intra_op_threads=arguments.intra_op_threads, inter_op_threads=arguments.inter_op_threads
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m service.model_process", description="Serves a SavedModel by gRPC.")
    parser.add_argument("versions", nargs="+", type=_version, metavar="NUMBER=FOLDER")
    parser.add_argument("--address", required=True, help="unix:PATH or HOST:PORT; port 0 takes a free one")
    parser.add_argument("--model-name", required=True)
    parser.add_argument("--label", action="append", default=[], type=_label, metavar="LABEL=NUMBER")
    parser.add_argument("--intra-op-threads", type=int, default=1, help="threads that share one operation")
    parser.add_argument("--inter-op-threads", type=int, default=1, help="threads that share the operations of a call")
    parser.add_argument("--drain-seconds", type=float, default=10, help="time that requests get after SIGTERM")
    parser.add_argument("--certificate-file", help="PEM; encrypts the port")
    parser.add_argument("--key-file", help="PEM, the certificate's key")
    parser.add_argument("--client-ca-file", help="PEM; clients then need a certificate that one of these has signed")
    parser.add_argument("--end-with-stdin", action="store_true", help="end when the standard input is closed")
    return parser


def _version(text: str) -> tuple[int, str]:
    number, _, folder = text.partition("=")
    return int(number), folder


def _label(text: str) -> tuple[str, int]:
    label, _, number = text.partition("=")
    return label, int(number)


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # TensorFlow takes seconds to free a model, and nothing is left to be written
