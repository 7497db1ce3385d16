"""A throwaway PostgreSQL on a loopback port, from the programs of Debian's package; and databases on it."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psycopg
from sqlalchemy import URL

USER, PASSWORD = "argtree", "pass:word/@"  # one that a URL must escape
MISSING = "no PostgreSQL here (`apt-get install --no-install-recommends postgresql`)"
_LOOSE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}  # for tests that kill nothing


def programs() -> Path | None:
    """Returns the folder of initdb and postgres, None where they are not installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = [path for path in reversed(debian) if (path / "initdb").exists()]
    on_path = shutil.which("initdb")
    return found[0] if found else Path(on_path).resolve().parent if on_path else None


class Server:
    """One server with its own folder, which goes when it is closed."""

    def __init__(self, folder: Path | None = None, *, durable: bool = False, **settings: str) -> None:
        """Makes it and starts it.

        Args:
            folder: where to put its own; by default where temporary files go.
            durable: whether what is committed must outlive a killed server.
            settings: as in postgresql.conf.
        """
        bin_folder = programs()
        assert bin_folder is not None, MISSING
        self._programs = bin_folder
        # The server refuses to run as root.
        self._user = "nobody" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="argtree-postgres-", dir=folder))
        self.port = _free_port()
        self.settings = ({} if durable else _LOOSE) | settings
        self._process: subprocess.Popen[bytes] | None = None
        self._make()
        self.start()

    def url(self, database: str = "postgres", **changes: str) -> str:
        """Returns the URL of one of its databases."""
        parts = {"username": USER, "password": PASSWORD, "host": "127.0.0.1"} | changes
        url = URL.create("postgresql+psycopg", port=self.port, database=database, **parts)  # type: ignore[arg-type]
        return url.render_as_string(hide_password=False)

    def start(self) -> None:
        """Starts it and waits until it lets somebody in."""
        command = [self._programs / "postgres", "-D", self.folder / "data"]
        with (self.folder / "log").open("ab") as log:
            self._process = self._run(command, stdout=log, stderr=log)
        while True:
            try:
                self._connect().close()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
                time.sleep(0.05)

    def kill(self) -> None:
        """Kills the server and all its children before any of them can do more."""
        assert self._process is not None
        pid = self._process.pid
        os.kill(pid, signal.SIGSTOP)  # so that it makes no more of them
        children = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        for one in (*children, pid):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        self._process.wait()
        while any(map(_is_running, children)):
            time.sleep(0.005)

    def crash(self) -> None:
        """Makes the server drop all that it does and exit without tidying up."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)  # as `pg_ctl stop -m immediate` does
        self._process.wait()

    def close(self) -> None:
        """Stops it and removes its folder."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)

    def make_database(self, name: str, template: str = "template1") -> str:
        """Returns the URL of a new database, a copy of the template."""
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop_database(self, name: str) -> None:
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> tuple[object, ...]:
        """Returns the first row of what the statement finds, if any."""
        with self._connect(database) as connection:
            cursor = connection.execute(statement.encode())
            return (cursor.fetchone() or ()) if cursor.description else ()

    def _make(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            for path in (self.folder, password):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        command = [self._programs / "initdb", "-D", self.folder / "data", "-U", USER, "--pwfile", password]
        command += ["-A", "scram-sha-256", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
        with self._run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            said = process.communicate()[0]
        assert process.returncode == 0, said.decode()
        settings = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": ""}
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in (settings | self.settings).items())

    def _run(self, command: list[object], **streams: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            list(map(str, command)), cwd="/", user=self._user, group=_group(self._user),
            extra_groups=None if self._user is None else [], process_group=0, **streams,
        )  # fmt: skip

    def _connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        place = {"host": "127.0.0.1", "port": self.port, "dbname": database}
        return psycopg.connect(user=USER, password=PASSWORD, autocommit=True, **place)  # type: ignore[arg-type]


class Spare:
    """A database that one test after another gets: emptied in between, and made anew where more than rows changed."""

    def __init__(self, server: Server, template: str) -> None:
        self._server = server
        self._template = template
        self._number = 0
        self._url = ""
        self._begun: tuple[object, ...] = ()

    def url(self) -> str:
        """Returns the URL of the database, which has the template's schema and no rows."""
        if not self._begun:
            self._number += 1
            self._url = self._server.make_database(self._name, self._template)
            self._begun = self._look()
        return self._url

    def give_back(self) -> None:
        """Ends who is still connected; then the next may have it."""
        self._server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'")
        with suppress(psycopg.Error):
            if self._look() == self._begun:
                self._server.execute(_EMPTY, self._name)
                return
        self._begun = ()
        self._server.drop_database(self._name)

    @property
    def _name(self) -> str:
        return f"spare_{self._number}"

    def _look(self) -> tuple[object, ...]:
        return self._server.execute(_STATE, self._name)


# What is the same before and after a test that changed rows only, and not so many that it shows in a plan.
_STATE = """
    SELECT (SELECT string_agg(version_num, ',') FROM alembic_version), sum(pg_relation_size(oid)) > (1 << 22),
           (SELECT count(*) FROM pg_statistic WHERE starelid >= 16384),
           string_agg(format('%s %s %s %s', oid, relname, relnatts, relhastriggers), ',' ORDER BY oid)
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
"""
# As a replica: the triggers that keep rows from being deleted, and the foreign keys, say nothing.
_EMPTY = """
    DO $$ DECLARE relation pg_class; BEGIN
        SET LOCAL session_replication_role = replica;
        FOR relation IN SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace LOOP
            IF relation.relkind = 'S' THEN
                PERFORM setval(relation.oid, 1, false);
            ELSIF relation.relkind = 'r' AND relation.relname != 'alembic_version' THEN
                EXECUTE format('DELETE FROM %I', relation.relname);
            END IF;
        END LOOP;
    END $$
"""


def _group(user: str | None) -> int | None:
    return None if user is None else pwd.getpwnam(user).pw_gid


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
