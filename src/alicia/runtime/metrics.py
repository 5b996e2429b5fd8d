"""What every handler measures for nothing, in Prometheus' form."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from alicia.errors import AliciaError

_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class _Dropped(Collector):
    """The bus counts its drops itself."""

    def __init__(self, dropped: Mapping[str, int]) -> None:
        self._dropped = dropped

    def collect(self) -> Generator[CounterMetricFamily, None, None]:
        family = CounterMetricFamily("alicia_dropped", "Stream messages given up", labels=["topic"])
        for topic, count in dict(self._dropped).items():
            family.add_metric([topic], count)
        yield family


class Metrics:
    """The metrics of one instance."""

    def __init__(self, dropped: Mapping[str, int]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(_Dropped(dropped))
        self._seconds = Histogram(
            "alicia_handled_seconds",
            "How long a message took to handle",
            ["topic"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._running = Gauge(
            "alicia_in_flight", "Messages being handled", ["topic"], registry=self.registry
        )
        self._errors = Counter(
            "alicia_errors", "Handlers that failed", ["topic", "code"], registry=self.registry
        )

    @contextmanager
    def handling(self, topic: str) -> Generator[None, None, None]:
        started = time.perf_counter()
        running = self._running.labels(topic)
        running.inc()
        try:
            yield
        except AliciaError as error:
            self._errors.labels(topic, error.code).inc()
            raise
        finally:
            running.dec()
            self._seconds.labels(topic).observe(time.perf_counter() - started)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
