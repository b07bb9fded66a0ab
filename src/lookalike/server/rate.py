"""How often an address may ask: token buckets, of which only so many are remembered."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

MOST_ADDRESSES = 10_000


class Rate:
    """So many requests a minute for each address, half of them at once. Not for use by several threads."""

    def __init__(self, a_minute: int) -> None:
        self._burst, self._second = max(1.0, a_minute / 2), a_minute / 60
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str, now: float, cost: float = 1.0) -> float:
        """Take one, or a part of one for what costs less; 0, or the seconds until there is one again."""
        key = _network(address)
        left, since = self._left.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._second)
        wait = 0.0 if left >= 1 else (1 - left) / self._second
        self._left[key] = (left if wait else left - cost, now)
        if len(self._left) > MOST_ADDRESSES:
            self._left.popitem(last=False)
        return wait


def _network(address: str) -> str:
    """An IPv6 address by its /64, which is one subscriber's."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address
