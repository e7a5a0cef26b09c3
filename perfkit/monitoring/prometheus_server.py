"""Instant queries to a Prometheus server, by its HTTP API.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries.
"""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from perfkit.errors import MeasurementError, UsageError

if TYPE_CHECKING:
    import urllib3

TIMEOUT: Final = 30.0
"""Seconds that the server has for an answer."""
LARGEST_ANSWER: Final = 1024 * 1024
"""Bytes; the answer to a sum is one number."""


@dataclass(slots=True)
class PrometheusServer:
    """A server at an address such as http://127.0.0.1:9090; ``warnings`` are what it warned of.

    Raises:
        UsageError: the address starts with neither http:// nor https://.
    """

    url: str
    warnings: list[str] = field(default_factory=list)
    _pool: "urllib3.PoolManager" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        import urllib3

        if not self.url.startswith(("http://", "https://")):
            raise UsageError(
                f"--prometheus: found {self.url!r}, wanted an address such as http://127.0.0.1:9090"
            )
        self.url = self.url.rstrip("/")
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT)

    def number(self, query: str, at: float) -> float | None:
        """Return the single value of ``query`` at a time; None where it has no result.

        Raises:
            MeasurementError: the server cannot be reached, refuses, or answers something else.
        """
        import urllib3

        fields = {"query": query, "time": f"{at:.3f}"}
        try:
            answer = self._pool.request(
                "POST",
                f"{self.url}/api/v1/query",
                fields=fields,
                encode_multipart=False,
                preload_content=False,
                redirect=False,
            )
            body = answer.read(LARGEST_ANSWER + 1)
            answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise MeasurementError(
                f"{self.url}: cannot be reached ({type(error).__name__}); start the server or "
                "correct the address."
            ) from error
        return self._value(answer.status, body)

    def _value(self, status: int, body: bytes) -> float | None:
        try:
            document = orjson.loads(body)
            if document["status"] != "success":
                raise MeasurementError(
                    f"{self.url}: refused a query ({document['errorType']}: "
                    f"{str(document['error'])[:300]}); see its log."
                )
            self.warnings += [w for w in document.get("warnings", []) if w not in self.warnings]
            return _single(document["data"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise MeasurementError(
                f"{self.url}: answered {status} with something that is no answer of Prometheus; "
                "wanted the address of its HTTP API."
            ) from error


def _single(data: Any) -> float | None:  # noqa: ANN401  # JSON of the server
    if data["resultType"] != "vector" or len(data["result"]) > 1:
        raise ValueError(data["resultType"])
    if not data["result"]:
        return None
    value = float(data["result"][0]["value"][1])
    return None if math.isnan(value) else value
