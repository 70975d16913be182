"""One cluster for each Python process: Ray Data keeps handles of the first one's actors, and fails on another."""

from __future__ import annotations

from restorae.errors import ClusterError

_joined: list[str] = []


def require_same_cluster(address: str) -> None:
    """Note the cluster that this process works on; refuse a second one.

    Raises:
        ClusterError: this process has worked on another.
    """
    if _joined and _joined[0] != address:
        raise ClusterError(
            f"this Python process has worked on the cluster at {_joined[0]}, and can work on no other. Use a process for each "
            "cluster, or start one with `ray start --head` and keep to it",
            subject=address,
        )
    _joined[:] = [address]
