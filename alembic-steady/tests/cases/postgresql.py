"""Cases of postgresql alone."""

from __future__ import annotations

from cases import Case, table

CASES: list[Case] = []
