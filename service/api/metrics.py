"""What `/metrics` shows, in Prometheus' terms. No label holds a word of a client: paths are those of routes."""

from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_LATENCY_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        """Makes a registry of its own, so that two services in one process do not mix."""
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "perennial_requests_total", "Answered requests", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "perennial_request_seconds",
            "Time from a request's headers to its answer",
            ["route"],
            buckets=_LATENCY_SECONDS,
            registry=self.registry,
        )
        self.answers = Counter(
            "perennial_answers_total",
            "Lists of recommendations by the model's version, and by what they rest on",
            ["version", "basis"],
            registry=self.registry,
        )
        self._answered: set[tuple[str, str]] = set()
        self.unknown_items = Counter(
            "perennial_unknown_items_total", "Ids in queries that the catalogue lacks", registry=self.registry
        )
        self.asked_items = Counter("perennial_asked_items_total", "Ids in queries", registry=self.registry)
        self.batch_rows = Histogram(
            "perennial_batch_rows", "Queries in one call of the model", buckets=_ROWS, registry=self.registry
        )
        self.queue_seconds = Histogram(
            "perennial_queue_seconds",
            "Time that a query waits for the call before it",
            buckets=_LATENCY_SECONDS,
            registry=self.registry,
        )
        self.model_errors = Counter(
            "perennial_model_errors_total", "Calls of the model that failed", ["kind"], registry=self.registry
        )
        self.events = Counter(
            "perennial_events_total", "Events by type and result", ["type", "result"], registry=self.registry
        )
        self.denied = Counter(
            "perennial_denied_total", "Requests without a valid token, by reason", ["reason"], registry=self.registry
        )
        self.version = Gauge("perennial_version", "Versions in service", ["role", "version"], registry=self.registry)
        self.refused = Gauge(
            "perennial_refused_versions", "Versions that were not put into service", registry=self.registry
        )

        self.recall = Gauge(
            "perennial_index_recall",
            "Share of the exact best hundred that the index of a version finds; 1 for all queries in exact search",
            ["version", "queries"],
            registry=self.registry,
        )
        self.compared = Gauge(
            "perennial_compared_items",
            "Items that a query is compared with, on average",
            ["version"],
            registry=self.registry,
        )

    def count_answer(self, version: int, basis: str) -> None:
        """Counts a list of recommendations by a version."""
        self._answered.add((str(version), basis))
        self.answers.labels(str(version), basis).inc()

    def keep_answers(self, versions: Collection[int]) -> None:
        """Forgets the counts of all other versions. Otherwise each new version would leave some for ever."""
        kept = {str(version) for version in versions}
        for labels in [labels for labels in self._answered if labels[0] not in kept]:
            self.answers.remove(*labels)
            self._answered.remove(labels)

    def text(self) -> bytes:
        """Returns Prometheus' text."""
        return generate_latest(self.registry)
