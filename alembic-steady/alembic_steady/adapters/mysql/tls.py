"""TLS: makes PyMySQL do what a URL says about it."""

from __future__ import annotations

from typing import Any

MODES = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
"""The values of `ssl_mode`, as MySQL's own programs have them."""
TRUTH = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


def settle(told: dict[str, Any]) -> None:
    """Replace what a URL says about TLS by arguments of PyMySQL that mean the same.

    SQLAlchemy passes the files in one argument, which PyMySQL forgets if another one says
    what to verify. It also takes every text for true, and does not know `ssl_mode`.

    Arguments:
        told: the arguments of the connection, which are changed.

    Raises:
        ValueError: a value is unknown, or the file to verify with is not named.
    """
    files = told.get("ssl") or {}
    mode = _mode(told, files)
    if not isinstance(files, dict):
        return
    if password := told.pop("ssl_key_password", None):
        files["password"] = password
    if mode in ("DISABLED", "PREFERRED"):
        told.pop("ssl", None)
    elif mode:
        if mode.startswith("VERIFY") and not files.keys() & {"ca", "capath"}:
            raise ValueError("add ssl_ca, the file of the authority to verify with")
        files["check_hostname"] = mode == "VERIFY_IDENTITY"
        files["verify_mode"] = mode.startswith("VERIFY")
        told["ssl"] = files
    if mode == "DISABLED":
        told["ssl_disabled"] = True


def _mode(told: dict[str, Any], files: object) -> str:
    """Return the mode that a URL names, in whichever words, or "" if it names none."""
    mode = str(told.pop("ssl_mode", told.pop("ssl-mode", ""))).upper()
    disabled, chain, identity = (
        _truth(f"ssl_{name}", told.pop(f"ssl_{name}", None))
        for name in ("disabled", "verify_cert", "verify_identity")
    )
    if mode not in ("", *MODES):
        raise ValueError(f"ssl_mode is none of {', '.join(MODES)}")
    if mode or disabled:
        return mode or "DISABLED"
    if identity:
        return "VERIFY_IDENTITY"
    if chain or (identity is False and chain is None and files):
        return "VERIFY_CA"
    return "" if chain is identity is None else "REQUIRED"


def _truth(name: str, value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if str(value).lower() not in TRUTH:
        raise ValueError(f"{name} is neither true nor false")
    return TRUTH[str(value).lower()]
