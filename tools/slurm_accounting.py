"""Accounting of a virtual cluster: slurmdbd, and a MariaDB of its own that only this user reaches, through a socket.

Standard library only.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

ACCOUNTING_PROGRAMS = ("slurmdbd", "mariadbd", "mariadb-install-db")
# the database need not outlive a crash of the machine, so that it never waits for the disk
QUICK = (
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--sync-frm=0",
    "--loose-innodb-flush-method=nosync",
)


@dataclass(frozen=True)
class Accounting:
    """Files and programs with which a cluster keeps accounts.

    Parameters
    ----------
    directory
        The cluster's directory.
    """

    directory: Path

    @property
    def socket(self) -> Path:
        """The socket at which the database answers."""
        return self.directory / "database" / "socket"

    @property
    def marks(self) -> set[str]:
        """Words in the command lines of the database's processes, and of what launches slurmdbd, and in no others."""
        return {self._data(), self._where()}

    def write(self, port: int) -> None:
        """Write slurmdbd.conf, for a slurmdbd at this TCP port, and make the database's directory."""
        lines = {
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={self.directory}/munge.socket",
            "DbdHost": "localhost",
            "DbdPort": str(port),
            "SlurmUser": _user(),
            "PidFile": f"{self.directory}/slurmdbd.pid",
            "LogFile": f"{self.directory}/log/slurmdbd.log",
            "StorageType": "accounting_storage/mysql",
            "StorageHost": "localhost",
            "StorageUser": "root",
            "StorageLoc": "slurm_acct_db",
        }
        # whoever reaches the socket inside is the database's root
        self.socket.parent.mkdir(mode=0o700)
        conf = self.directory / "slurmdbd.conf"
        conf.touch(mode=0o600)  # slurmdbd refuses to start where others can read it
        conf.write_text("".join(f"{key}={value}\n" for key, value in lines.items()), encoding="utf-8")

    def create_database(self) -> list[str]:
        """The command that makes the database's own tables; slurmdbd's stored procedures need them."""
        access = ["--auth-root-authentication-method=normal", "--skip-name-resolve", "--skip-test-db"]
        return ["mariadb-install-db", "--no-defaults", self._data(), f"--user={_user()}", *access, *QUICK]

    def run_database(self) -> list[str]:
        """The command that runs the database: no network, little memory, no patience with the disk."""
        where = [self._data(), f"--socket={self.socket}", f"--pid-file={self.directory}/mariadbd.pid"]
        small = ["--innodb-buffer-pool-size=16M", "--key-buffer-size=1M", "--performance-schema=off", "--skip-log-bin"]
        return ["mariadbd", "--no-defaults", *where, "--skip-networking", f"--user={_user()}", *small, *QUICK]

    def run_slurmdbd(self) -> list[str]:
        """The command that runs slurmdbd, which finds its configuration beside slurm.conf."""
        return ["env", self._where(), "slurmdbd", "-D"]

    def _data(self) -> str:
        return f"--datadir={self.socket.parent / 'data'}"

    def _where(self) -> str:
        return f"MYSQL_UNIX_PORT={self.socket}"


def _user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
