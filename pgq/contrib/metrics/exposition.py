"""The rows of metric_series() in the formats that Prometheus and its likes read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pgq.errors import InvalidArgument

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

    from pgq.reports import MetricSeries


def check_installed() -> None:
    """Raise InvalidArgument where prometheus-client is not installed."""
    try:
        import prometheus_client as prometheus_client
    except ImportError:
        raise InvalidArgument(
            "prometheus-client is not installed", "pip install 'pgq-sql[metrics]'"
        ) from None


def exposed(rows: Iterable[MetricSeries], accept: str) -> tuple[str, bytes]:
    """Return the content type that an Accept header asks for, and the rows in that format."""
    from prometheus_client.exposition import choose_encoder

    try:
        encode, content_type = choose_encoder(accept)
    except (ValueError, TypeError):  # a version that is none
        encode, content_type = choose_encoder("")
    return content_type, encode(_Families(rows))


class _Families:
    """What prometheus-client calls a collector."""

    def __init__(self, rows: Iterable[MetricSeries]) -> None:
        self._rows = rows

    def collect(self) -> Iterator[Family]:
        """Yield the families, in the order in which the rows have them."""
        from prometheus_client.metrics_core import Metric as Family

        families: dict[str, Family] = {}
        for row in self._rows:
            if row.family not in families:
                families[row.family] = Family(row.family, row.help, row.type)
            for name, labels, value in _samples(row):
                families[row.family].add_sample(name, labels, value)
        yield from families.values()


def _samples(row: MetricSeries) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield the samples of a series: the name of each, its labels and its value."""
    if row.bounds is None or row.counts is None:
        yield row.family + "_total" * (row.type == "counter"), row.labels, row.value
        return
    for bound, count in zip([*row.bounds, None], row.counts, strict=True):
        upto = "+Inf" if bound is None else f"{bound:.17g}"
        yield f"{row.family}_bucket", {**row.labels, "le": upto}, count
    yield f"{row.family}_count", row.labels, row.counts[-1]
    yield f"{row.family}_sum", row.labels, row.value
