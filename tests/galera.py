"""A Galera cluster of MariaDB for the tests, on 127.0.0.1."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import servers
from tests.servers import MariaDB

PROVIDERS = (
    "/usr/lib/galera/libgalera_smm.so",
    "/usr/lib64/galera-4/libgalera_smm.so",
)
SECONDS = 60


@dataclass(frozen=True)
class Node:
    """A node of a cluster, and its process."""

    server: MariaDB
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """Kill it as the system does when memory runs out."""
        self.process.kill()
        self.process.wait()


def provider() -> str | None:
    """Return the library of Galera."""
    return next((name for name in PROVIDERS if Path(name).is_file()), None)


@contextmanager
def cluster(count: int) -> Iterator[list[Node]]:
    """Run a cluster of so many nodes."""
    with ExitStack() as stack:
        nodes: list[Node] = []
        first = ""
        for _ in range(count):
            server = stack.enter_context(servers.new_mariadb())
            group, transfer = servers.free_port(), servers.free_port()
            options = {
                "wsrep_on": "ON",
                "wsrep_provider": provider(),
                "wsrep_cluster_name": "tests",
                "wsrep_cluster_address": f"gcomm://{first}",
                "wsrep_node_address": f"127.0.0.1:{group}",
                "wsrep_node_incoming_address": f"127.0.0.1:{server.port}",
                "wsrep_provider_options": f"gmcast.listen_addr=tcp://127.0.0.1:{group};"
                f"ist.recv_addr=127.0.0.1:{servers.free_port()};gcache.size=16M",
                "wsrep_sst_method": "rsync",
                "wsrep_sst_receive_address": f"127.0.0.1:{transfer}",
                "binlog_format": "ROW",
                "innodb_autoinc_lock_mode": 2,
            }
            if first:  # What the first has in its tables is copied.
                options["init_file"] = "/dev/null"
            else:
                first = f"127.0.0.1:{group}"
            running = servers.running_mariadb(server, **options)
            nodes.append(Node(server, stack.enter_context(running)))
            wait_for(nodes)
        yield nodes


def wait_for(nodes: list[Node]) -> None:
    """Wait until all nodes belong to the cluster."""
    end = time.monotonic() + SECONDS
    show = "SHOW STATUS WHERE Variable_name IN ('wsrep_cluster_size', 'wsrep_ready')"
    wanted = {"wsrep_cluster_size": str(len(nodes)), "wsrep_ready": "ON"}
    while any(dict(node.server.query(show)) != wanted for node in nodes):
        assert time.monotonic() < end
        time.sleep(0.1)
