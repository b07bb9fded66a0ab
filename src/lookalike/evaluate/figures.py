"""Numbers for people."""

from __future__ import annotations


def percent(share: float) -> str:
    """ "97.3 %"; 100 and 0 only when it is exactly that."""
    rounded = f"{100 * share:.1f}"
    if rounded in ("100.0", "0.0"):
        rounded = {0.0: "0", 1.0: "100"}.get(share, "> 99.9" if share > 0.5 else "< 0.1")
    return f"{rounded} %"


def milliseconds(value: float) -> str:
    """ "4.2 ms", "120 ms", "1.3 s"."""
    if value >= 1000:
        return f"{value / 1000:.1f} s"
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"
