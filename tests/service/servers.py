"""Real database servers for tests: PostgreSQL and MariaDB of the system's packages, on Unix sockets in a folder.

The first test that wants a server starts it, for all workers of the test run; `server_until.py` ends it with the run.
They do not sync to the disk, so they must not be taken for durable.
"""

import getpass
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.once import once, test_run

_START_SECONDS = 120


def postgresql_url() -> str:
    """The URL of a new, empty database; skips the test if there is no server."""
    programs = _postgresql_programs()
    if programs is None:
        pytest.skip("no PostgreSQL on this machine: apt-get install postgresql")
    socket = _socket("postgresql", lambda folder: _start_postgresql(folder, programs))
    return _new_database(f"postgresql+psycopg://perennial@/{{}}?host={socket.parent}", "postgres")


def mariadb_url() -> str:
    """The URL of a new, empty database; skips the test if there is no server."""
    if _mariadb_server() is None:
        pytest.skip("no MariaDB on this machine: apt-get install mariadb-server")
    socket = _socket("mariadb", _start_mariadb)
    return _new_database(f"mysql+pymysql://{getpass.getuser()}@localhost/{{}}?unix_socket={socket}", "mysql")


def start_postgresql(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Starts a server of one's own, which the test may stop; skips the test if there is none.

    Args:
        folder: An empty folder that every account may enter.

    Returns:
        The process, and the URL of a database.
    """
    programs = _postgresql_programs()
    if programs is None:
        pytest.skip("no PostgreSQL on this machine: apt-get install postgresql")
    _initialise_postgresql(folder, programs)
    return run_postgresql(folder), f"postgresql+psycopg://perennial@/postgres?host={folder}"


def run_postgresql(folder: Path) -> subprocess.Popen[bytes]:
    """Starts the server of a folder of `start_postgresql` again, and waits until it takes connections."""
    programs = _postgresql_programs()
    assert programs is not None
    command = [*_as_postgres(), str(programs / "postgres"), "-D", str(folder / "data"), *_POSTGRESQL, "-k", str(folder)]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    _wait(folder, f"postgresql+psycopg://perennial@/postgres?host={folder}")
    return process


# The socket's name has no port of TCP in it but needs one.
_POSTGRESQL = ("-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200")


def _postgresql_programs() -> Path | None:
    # Debian keeps them out of PATH; the newest version is the last.
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    elsewhere = shutil.which("postgres")
    return found[-1].parent if found else Path(elsewhere).parent if elsewhere else None


def _mariadb_server() -> str | None:
    return shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")


def _as_postgres() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]


def _initialise_postgresql(folder: Path, programs: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    options = ["-U", "perennial", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    _run([*_as_postgres(), str(programs / "initdb"), "-D", str(folder / "data"), *options], folder)


def _start_postgresql(folder: Path, programs: Path) -> Path:
    _initialise_postgresql(folder, programs)
    server = [str(programs / "postgres"), "-D", str(folder / "data"), *_POSTGRESQL, "-k", str(folder)]
    _start([*_as_postgres(), *server], folder)
    _wait(folder, f"postgresql+psycopg://perennial@/postgres?host={folder}")
    return folder / ".s.PGSQL.5432"


def _start_mariadb(folder: Path) -> Path:
    server, data, socket = str(_mariadb_server()), folder / "data", folder / "socket"
    user = getpass.getuser()
    common = ["--no-defaults", f"--datadir={data}", f"--user={user}"]
    # `socket`: the account that runs the tests is the administrator.
    root = ["--auth-root-authentication-method=socket", f"--auth-root-socket-user={user}"]
    _run(["mariadb-install-db", *common, *root, "--skip-test-db"], folder)
    options = [f"--socket={socket}", f"--pid-file={folder / 'pid'}", "--skip-networking", "--max-connections=200"]
    _start([server, *common, *options, "--innodb-flush-log-at-trx-commit=0"], folder)
    _wait(folder, f"mysql+pymysql://{user}@localhost/mysql?unix_socket={socket}")
    return socket


def _socket(name: str, start: Callable[[Path], Path]) -> Path:
    def make(shared: Path) -> None:
        # Not below the test run's own folder, which other accounts must not enter; and a socket's path must be short.
        folder = Path(tempfile.mkdtemp(prefix=f"perennial-{name}-"))
        shared.mkdir()
        (shared / "socket").write_text(str(start(folder)))

    return Path((once(name, make) / "socket").read_text())


def _start(command: list[str], folder: Path) -> None:
    until = [sys.executable, "-I", str(Path(__file__).with_name("server_until.py")), str(test_run()), str(folder)]
    with (folder / "log").open("ab") as log:
        subprocess.Popen(
            [*until, *command], cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def _wait(folder: Path, url: str) -> None:
    """Waits until the server takes connections: each attempt is a process, which takes some time by itself."""
    asking = (
        "import sys, time; from sqlalchemy import create_engine\n"
        "engine, until = create_engine(sys.argv[1]), time.monotonic() + float(sys.argv[2])\n"
        "while True:\n"
        "    try: engine.connect(); break\n"
        "    except Exception:\n"
        "        if time.monotonic() > until: raise\n"
        "        time.sleep(0.05)\n"
    )
    done = subprocess.run([sys.executable, "-c", asking, url, str(_START_SECONDS)], capture_output=True, check=False)
    assert done.returncode == 0, f"{(folder / 'log').read_text()}\n{done.stderr.decode()}"


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _new_database(url: str, existing: str) -> str:
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(url.format(existing), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.format(name)
