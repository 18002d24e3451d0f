"""Starts the web server of a config, and says where it is and what to try first."""

import asyncio
import gc
import logging
import signal
import socket

import uvicorn

from common.errors import ConfigError, MachineError
from configs.load import load_config
from service.api.app import create_app
from service.api.protocol import bounded
from service.site import Site

_BACKLOG = 2048


async def serve(config_file: str, host: str | None = None, port: int | None = None) -> None:
    """Serves until a signal comes: SIGTERM or SIGINT.

    Args:
        config_file: The pipeline's YAML.
        host: Address to listen at; None: the config's.
        port: Port; None: the config's.

    Raises:
        ConfigError: The config cannot be used, or does not say who may call.
        MachineError: The address cannot be listened at.
        DatabaseError: The database cannot be used.
    """
    config = load_config(config_file)
    if config.service.auth is None:
        raise ConfigError(
            f"{config_file}: service.auth does not say who may call. Set service.auth.keys_file and users_file; or "
            'service.auth: "off" for a closed network, where everybody who reaches the address may.'
        )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    listening = _listen(host or config.service.host, config.service.port if port is None else port)
    with listening:
        site = Site(config)
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(site),
                http=bounded(config.service.limits),
                ws="none",  # there is no route for it
                access_log=False,  # it would hold users and what they ask
                log_level="warning",
                server_header=False,
                timeout_keep_alive=75,  # longer than the 60 s of load balancers, which must close first
                timeout_graceful_shutdown=30,
                lifespan="on",
            )
        )
        name, found = listening.getsockname()[:2]
        address = f"http://{f'[{name}]' if ':' in name else name}:{found}"
        print(f"Listening at {address}\n", flush=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            # uvicorn lets its requests end. Then it raises the signal again, for the handler that was there before.
            signal.signal(number, lambda *_: None)
        gc.collect()
        gc.freeze()  # otherwise each full collection looks at all that the imports have made, for 100 ms
        announcing = asyncio.get_running_loop().create_task(_announce(site, address))
        try:
            await server.serve(sockets=[listening])
        finally:
            announcing.cancel()


async def _announce(site: Site, address: str) -> None:
    """Says what to try once a version is in service."""
    while site.versions.live is None:
        await asyncio.sleep(0.1)
    served = site.versions.live
    items = [served.snapshot.item_id(place) for place in served.snapshot.by_popularity[:2].tolist()]
    print(
        f"Version {served.number} with {served.snapshot.items:,} items is in service. Try:\n\n"
        f"    curl '{address}/v1/recommendations?items={','.join(items)}&k=3'\n\n"
        f"What there is: {address}/openapi.json",
        flush=True,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as e:
        listening.close()
        raise MachineError(
            f"cannot listen at {host}:{port} ({e.strerror}). Choose another service.port, or --port 0 for a free one."
        ) from e
    listening.listen(_BACKLOG)
    return listening
