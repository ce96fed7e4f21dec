"""Find a secret, whatever form it has taken, in files, in git and in child processes."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

SHORTEST = 6
"""Fewer bytes are found by chance."""


@cache
def forms(secret: str) -> frozenset[bytes]:
    """Return what a secret may look like where it is written down."""
    every_byte = "".join(f"%{byte:02X}" for byte in secret.encode())
    encoded = {quote(secret, safe=""), quote(secret), quote_plus(secret), every_byte}
    encoded |= {
        re.sub("%..", lambda pair: pair[0].lower(), text) for text in encoded
    } | {text.replace("%", "%%") for text in encoded}  # as in alembic.ini
    escaped = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],  # as TOML and YAML, too
        ascii(secret)[1:-1],
        repr(secret)[1:-1],
        secret.replace("'", "\\'"),
        secret.replace("'", "''"),
    }
    escaped |= {text.replace("$", "$$") for text in escaped}  # as in compose.yaml
    # No encoding of text changes these, and of a text cut short no more may be left.
    runs = re.findall("[A-Za-z0-9]{12,}", secret)
    texts = {text.encode() for text in encoded.union(escaped, runs)}
    in_base64 = {
        form
        for text in (secret, quote(secret, safe=""), quote(secret))
        for form in _in_base64(text.encode())
    }
    return frozenset(form for form in texts | in_base64 if len(form) >= SHORTEST)


def _in_base64(text: bytes) -> Iterator[bytes]:
    """Write text in base64 as it looks in the middle of something longer.

    Three bytes become four characters, so there are three ways that it may begin. The
    characters at both ends depend on the neighbours, too, and are left out.
    """
    for before in range(3):
        begin = -(-before * 8 // 6)
        end = (before + len(text)) * 8 // 6
        characters = b64encode(bytes(before) + text)[begin:end]
        yield characters
        yield characters.translate(bytes.maketrans(b"+/", b"-_"))


def shows(secret: str, text: str | bytes) -> bool:
    """Return whether a text holds a secret in any of its forms."""
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogateescape")
    return any(form in text for form in forms(secret))


def places(secret: str, *folders: Path) -> set[str]:
    """Return where in some folders a secret is.

    Returns:
        The paths of files that hold it, or are named by it, or are links to what is;
        and `git:` with the name of an object, loose or packed, reachable or not.
    """
    found = set()
    for folder in folders:
        for parent, subfolders, files in os.walk(folder):
            for path in (Path(parent, name) for name in subfolders + files):
                if shows(secret, path.name) or shows(secret, _content(path)):
                    found.add(str(path))
            if "HEAD" in files and "objects" in subfolders:
                found |= {
                    f"git:{name}"
                    for name, content in _objects(Path(parent))
                    if shows(secret, content)
                }
    return found


def _content(path: Path) -> bytes:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return os.fsencode(path.readlink())
    return path.read_bytes() if stat.S_ISREG(mode) else b""


def _objects(repository: Path) -> Iterator[tuple[str, bytes]]:
    """Inflate all objects of a repository; git alone reads those in packs."""
    command = ["git", f"--git-dir={repository}", "cat-file"]
    listed = subprocess.run(
        [*command, "--batch-all-objects", "--batch"], check=True, stdout=subprocess.PIPE
    ).stdout
    begin = 0
    while begin < len(listed):
        head = listed.index(b"\n", begin)
        name, _kind, size = listed[begin:head].split()
        begin = head + 1 + int(size)
        yield name.decode(), listed[head + 1 : begin]
        begin += 1


# Python imports it at its start, where the folder that it is in is on PYTHONPATH.
SITECUSTOMIZE = """\
import json, os, sys

log = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.umask(0)  # Who wants a private file has to ask for it.


def plain(value):
    if isinstance(value, (bytes, os.PathLike)):
        return os.fsdecode(value)
    return value if isinstance(value, str) else repr(value)


def record(event, *details):
    os.write(log, (json.dumps([event, *details], default=plain) + "\\n").encode())


def is_dotenv(path):
    # A file descriptor may be of any file.
    return isinstance(path, int) or os.path.basename(os.fsdecode(path)) == ".env"


def watch(event, details):
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
        told = details[0] if event == "os.system" else details[1]
        variables = None if event == "os.system" else details[-1]
        variables = os.environ if variables is None else variables
        record("child", told, [[*map(plain, pair)] for pair in variables.items()])
    elif event == "open" and not isinstance(details[0], int) and is_dotenv(details[0]):
        record("open", details[2])
    elif event == "os.chmod" and is_dotenv(details[0]):
        record("chmod")
    elif event in ("os.rename", "os.link", "os.symlink") and is_dotenv(details[1]):
        record("replaced")


record("started", sys.orig_argv)
sys.addaudithook(watch)
"""


@dataclass(frozen=True)
class Spy:
    """A log of what Python processes do, and those that they start, if PYTHONPATH is kept.

    It is about `.env` and about what children are told. All of it happens with a umask
    of 0.
    """

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        text = SITECUSTOMIZE.format(log=str(self._log))
        Path(self.folder, "sitecustomize.py").write_text(text)

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    @property
    def variables(self) -> dict[str, str]:
        """What to add to the environment of the processes to watch."""
        return {"PYTHONPATH": str(self.folder)}

    def _records(self, *events: str) -> list[list[Any]]:
        records = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [record for record in records if record[0] in events]

    def watched(self) -> str:
        """Return the command lines of all processes that were watched, one a line."""
        return "\n".join(" ".join(told) for _, told in self._records("started"))

    def children_told(self, secret: str) -> list[tuple[str, str]]:
        """Return which children were given a secret, and where.

        Returns:
            For each time, the command line, and `arguments` or the variable's name.
        """
        found = []
        for _, told, variables in self._records("child"):
            line = told if isinstance(told, str) else " ".join(map(str, told))
            given = [("arguments", line), *variables]
            found += [(line, name) for name, text in given if shows(secret, text)]
        return found

    def dotenv_was_private_at_once(self) -> bool:
        """Return whether `.env` had its final permissions from the moment it existed.

        O_CREAT with O_EXCL fails on a file that is there, so this call made it. The same
        call gives a new file its permissions: those asked for, less the umask, which is
        0. If nobody changes them later, or puts another file in its place, those found in
        the end are those that it was made with, before there was a byte in it.
        """
        records = self._records("open", "chmod", "replaced")
        if not records or records[0][0] != "open":
            return False
        (_, flags), *later = records
        alone = os.O_CREAT | os.O_EXCL
        return flags & alone == alone and all(event == "open" for event, *_ in later)
