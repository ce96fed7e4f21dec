"""Certificates for the tests' servers, of authorities that nobody else knows."""

from __future__ import annotations

from pathlib import Path

import trustme


def write_authorities(folder: Path, host: str) -> None:
    """Write the certificates of two authorities, and one that the first of them has issued.

    The files are `ours.pem` and `theirs.pem`, and `server`, which has its key, too.

    Arguments:
        folder: where to write them.
        host: the host that the certificate names.
    """
    for name in ("ours", "theirs"):
        authority = trustme.CA(organization_name=name)
        authority.cert_pem.write_to_path(folder / f"{name}.pem")
        if name == "ours":
            certificate = authority.issue_cert(host)
            certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server")
