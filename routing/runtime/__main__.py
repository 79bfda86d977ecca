"""`python -m routing.runtime`: run one assistant until it is told to stop."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Generator

import uvicorn
import uvloop

from routing.runtime import disk, settings
from routing.runtime.assistant import Assistant

log = logging.getLogger(__name__)

GRACE_S = 10


class Server(uvicorn.Server):
    """uvicorn, stopped by us: its own handling would end the process by the signal, not with status 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals alone."""
        yield

    def stop(self) -> None:
        """Stop accepting and finish what is in flight."""
        self.should_exit = True


def main(arguments: list[str]) -> int:
    """Run the assistant; returns the exit status."""
    given = settings.read(arguments)
    logging.basicConfig(
        level=given.log_level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # They log every request with its address, at a level meant for their own developers.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        claimed = disk.claim(given.cache)
        listener = _listener(given.host, given.port)
    except (disk.DirectoryInUse, OSError) as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return 2
    if claimed is None:
        log.error("%s cannot be written: nothing survives a restart", given.cache)
    if not given.gateway_keys and given.host not in ("127.0.0.1", "::1", "localhost"):
        log.warning(
            "%s may be reachable from outside, and GATEWAY_API_KEYS asks callers for no key", given.host
        )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(given, listener))


async def serve(given: settings.Settings, listener: socket.socket) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status."""
    assistant = Assistant(given)
    config = uvicorn.Config(
        assistant.gateway.app(),
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        # Longer than callers keep theirs: a connection closed just as it is used again costs them an error.
        timeout_keep_alive=75,
    )
    server = Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await assistant.start()
    ready = asyncio.create_task(_announce(server, given.host, listener))
    try:
        await server.serve(sockets=[listener])
    finally:
        ready.cancel()
        await assistant.stop()
    return 1 if assistant.failed else 0


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


async def _announce(server: uvicorn.Server, host: str, listener: socket.socket) -> None:
    while not server.started:
        await asyncio.sleep(0.005)
    # What is imported by now lives as long as the process: no need to walk over it again and again.
    gc.freeze()
    shown = f"[{host}]" if ":" in host else host
    print(f"ready http://{shown}:{listener.getsockname()[1]}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
