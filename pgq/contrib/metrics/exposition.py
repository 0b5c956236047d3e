"""The rows of the SQL function metrics() in the formats that Prometheus and its likes read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pgq.errors import InvalidArgument

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

    from pgq.reports import Metric


def check_installed() -> None:
    """Raise InvalidArgument where prometheus-client is not installed."""
    try:
        import prometheus_client as prometheus_client
    except ImportError:
        raise InvalidArgument(
            "prometheus-client is not installed", "pip install 'pgq-sql[metrics]'"
        ) from None


def exposed(rows: Iterable[Metric], accept: str) -> tuple[str, bytes]:
    """Return the content type that an Accept header asks for, and the rows in that format."""
    from prometheus_client.exposition import choose_encoder

    try:
        encode, content_type = choose_encoder(accept)
    except (ValueError, TypeError):  # a version that is none
        encode, content_type = choose_encoder("")
    return content_type, encode(_Families(rows))


class _Families:
    """What prometheus-client calls a collector."""

    def __init__(self, rows: Iterable[Metric]) -> None:
        self._rows = rows

    def collect(self) -> Iterator[Family]:
        """Yield the families, in the order in which the rows have them."""
        from prometheus_client.metrics_core import Metric as Family

        families: dict[str, Family] = {}
        for row in self._rows:
            if row.family not in families:
                families[row.family] = Family(row.family, row.help, row.type)
            families[row.family].add_sample(row.name, row.labels, row.value)
        yield from families.values()
