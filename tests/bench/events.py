"""Telemetry as OpenTelemetry Collectors write it, for measuring: OTLP/JSON files of any size, the same every time.

Twelve services with their pods; a trace is one journey through them. Attributes are those that instrumentation without
code sets, with the cardinality they have in practice: routes are few, paths hold ids, message ids are unique.
Four of five events are spans, the rest log records, four of five of those within a trace.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson

# Raised whenever other files would be written: those in the cache are made again.
VERSION = 1
_RECORDS_A_LINE, _EVENTS_A_FILE = 500, 250_000
_PODS, _ACCOUNTS, _PRODUCTS, _CLIENTS = 4, 5_000, 2_000, 20_000
_LANGUAGES = {
    "frontend": "nodejs",
    "checkout": "java",
    "cart": "dotnet",
    "catalog": "go",
    "payment": "java",
    "shipping": "go",
    "email": "ruby",
    "search": "python",
    "recommendation": "python",
    "quote": "php",
    "accounting": "dotnet",
    "fraud": "java",
}
_AGENTS = tuple(
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
    for system in ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64")
    for version in range(118, 131)
)

Pair = tuple[str, str | int]


@dataclass(frozen=True)
class _Step:
    """One span of a journey: whose child it is (its place; -1: the root), where it runs and what it is."""

    parent: int
    service: str
    operation: str
    kind: int
    style: str
    share: float  # of its parent's time


_JOURNEYS: tuple[tuple[float, tuple[_Step, ...]], ...] = (
    (
        0.45,
        (
            _Step(-1, "frontend", "GET /product/{id}", 2, "http", 1.0),
            _Step(0, "frontend", "GET", 3, "call", 0.4),
            _Step(1, "catalog", "oteldemo.Catalog/GetProduct", 2, "rpc", 0.9),
            _Step(2, "catalog", "SELECT products", 3, "sql", 0.6),
            _Step(0, "frontend", "GET", 3, "call", 0.3),
            _Step(4, "recommendation", "oteldemo.Recommendation/List", 2, "rpc", 0.8),
            _Step(5, "recommendation", "get_product_list", 1, "own", 0.5),
            _Step(6, "recommendation", "GET", 3, "cache", 0.3),
        ),
    ),
    (
        0.25,
        (
            _Step(-1, "frontend", "GET /search", 2, "http", 1.0),
            _Step(0, "frontend", "GET", 3, "call", 0.8),
            _Step(1, "search", "GET /api/search", 2, "http", 0.9),
            _Step(2, "search", "rank", 1, "own", 0.4),
            _Step(2, "search", "search products", 3, "sql", 0.4),
        ),
    ),
    (
        0.2,
        (
            _Step(-1, "frontend", "POST /cart", 2, "http", 1.0),
            _Step(0, "frontend", "POST", 3, "call", 0.8),
            _Step(1, "cart", "POST /oteldemo.Cart/AddItem", 2, "rpc", 0.9),
            _Step(2, "cart", "HGET", 3, "cache", 0.2),
            _Step(2, "cart", "HSET", 3, "cache", 0.3),
        ),
    ),
    (
        0.1,
        (
            _Step(-1, "frontend", "POST /checkout", 2, "http", 1.0),
            _Step(0, "frontend", "POST", 3, "call", 0.9),
            _Step(1, "checkout", "oteldemo.Checkout/PlaceOrder", 2, "rpc", 0.95),
            _Step(2, "checkout", "prepareOrderItems", 1, "own", 0.2),
            _Step(2, "checkout", "oteldemo.Payment/Charge", 3, "call", 0.3),
            _Step(4, "payment", "oteldemo.Payment/Charge", 2, "rpc", 0.9),
            _Step(5, "payment", "INSERT charges", 3, "sql", 0.5),
            _Step(5, "fraud", "oteldemo.Fraud/Check", 2, "rpc", 0.3),
            _Step(2, "checkout", "oteldemo.Shipping/Quote", 3, "call", 0.2),
            _Step(8, "shipping", "POST /get-quote", 2, "http", 0.9),
            _Step(9, "quote", "calculate-quote", 1, "own", 0.4),
            _Step(2, "checkout", "orders publish", 4, "queue", 0.05),
            _Step(11, "accounting", "orders process", 5, "queue", 0.8),
            _Step(12, "accounting", "INSERT orders", 3, "sql", 0.5),
            _Step(2, "email", "POST /send_order_confirmation", 2, "http", 0.1),
        ),
    ),
)
_QUERIES = {
    "catalog": "SELECT id, name, description, picture, price_currency_code, price_units FROM products WHERE id = $1",
    "search": "SELECT id, name FROM products WHERE name ILIKE $1 OR description ILIKE $1 ORDER BY rank LIMIT $2",
    "payment": "INSERT INTO charges (order_id, amount, currency, card_last4) VALUES ($1, $2, $3, $4) RETURNING id",
    "accounting": "INSERT INTO orders (id, account, total_cost, placed_at) VALUES ($1, $2, $3, $4)",
}
_LOGS = (
    ("INFO", "request finished in {ms} ms with status {status}"),
    ("INFO", "Convert conversion successful, {n} items in {ms} ms"),
    ("INFO", "cache hit for product {product}"),
    ("INFO", "order {uuid} placed, total {n} EUR"),
    ("DEBUG", "GetProduct called with product_id={product} session={uuid}"),
    ("DEBUG", "connection {n} returned to pool after {ms} ms (active {n}, idle 3)"),
    ("WARN", "retrying {host}:8080 after {ms} ms, attempt {n}"),
    ("WARN", "slow query took {ms} ms: SELECT id, name FROM products WHERE id = {n}"),
    ("INFO", '{{"level":"info","msg":"payment accepted","order":"{uuid}","amount":{n},"elapsed_ms":{ms}}}'),
    ("INFO", 'level=info msg="quote calculated" items={n} took={ms}ms trace={hex}'),
)
_FAILURES = (
    "could not charge the card: gateway answered {status} after {ms} ms",
    "java.net.SocketTimeoutException: Read timed out\n\tat com.example.Client.call(Client.java:{n})\n\tat Main.run",
)


def write_events(folder: Path, *, events: int, first: date, days: int, seed: int = 1) -> list[Path]:
    """Write `events` events over `days` days from `first` as files below `folder`; the spans' and logs' paths."""
    written: list[Path] = []
    folder.mkdir(parents=True, exist_ok=True)
    for day in range(days):
        start = datetime.combine(first + timedelta(days=day), datetime.min.time(), UTC)
        sizes = _sizes(events * (day + 1) // days - events * day // days)
        length = 86_399 * 10**9 // max(1, len(sizes))
        for number, size in enumerate(sizes):
            generator = random.Random(f"{seed}-{day}-{number}")
            at = int(start.timestamp()) * 10**9 + number * length
            for signal, lines in _lines(generator, size, at, length):
                path = folder / f"{signal}-{start:%Y%m%d}-{number:03d}.jsonl"
                with path.open("wb") as file:
                    file.writelines(lines)
                written.append(path)
    return written


def _sizes(events: int) -> list[int]:
    whole, rest = divmod(events, _EVENTS_A_FILE)
    return [_EVENTS_A_FILE] * whole + ([rest] if rest else [])


def _lines(generator: random.Random, events: int, start: int, length: int) -> Iterator[tuple[str, list[bytes]]]:
    spans: list[tuple[int, str, bytes]] = []
    logs: list[tuple[int, str, bytes]] = []
    wanted = events * 4 // 5
    step = length * 6 // max(6, events)
    at = start
    while len(spans) < wanted:
        at += int(generator.expovariate(1) * step) + 1
        _trace(generator, min(at, start + length), spans, logs)
    yield "traces", list(_requests(generator, spans[:wanted], "Spans", "spans"))
    yield "logs", list(_requests(generator, logs[: events - wanted], "Logs", "logRecords"))


def _trace(
    generator: random.Random, at: int, spans: list[tuple[int, str, bytes]], logs: list[tuple[int, str, bytes]]
) -> None:
    pick, journey = generator.random(), _JOURNEYS[-1][1]
    for share, steps in _JOURNEYS:
        if pick < share:
            journey = steps
            break
        pick -= share
    trace = f"{generator.getrandbits(128):032x}"
    took = int(generator.lognormvariate(17.5, 0.8))
    broken = generator.randrange(len(journey)) if generator.random() < 0.01 else -1
    account = f"acct_{generator.randrange(_ACCOUNTS):05d}"
    ids: list[str] = []
    times: list[tuple[int, int]] = []
    for place, one in enumerate(journey):
        span = f"{generator.getrandbits(64):016x}"
        begin, last = times[one.parent] if place else (at, took)
        own = max(1_000, int(last * one.share * (0.8 + 0.2 * generator.random()))) if place else last
        begin += int((last - own) * generator.random()) if place else 0
        ids.append(span)
        times.append((begin, own))
        failed = place == broken or (broken > 0 and place < broken and one.parent == -1)
        pairs = _attributes(generator, one, account, failed=failed)
        parent = f'"parentSpanId":"{ids[one.parent]}",' if place else ""
        status = '{"message":"upstream failed","code":2}' if failed else "{}"
        text = (
            f'{{"traceId":"{trace}","spanId":"{span}",{parent}"flags":256,"name":"{one.operation}","kind":{one.kind},'
            f'"startTimeUnixNano":"{begin}","endTimeUnixNano":"{begin + own}","attributes":[{_pairs(pairs)}],'
            f'"status":{status}}}'
        )
        spans.append((generator.randrange(_PODS), one.service, text.encode()))
        if generator.random() < 0.25:
            logs.append(_log(generator, one.service, begin + own // 2, trace, span, failed=failed))
        if generator.random() < 0.06:
            logs.append(_log(generator, one.service, begin, None, None, failed=False))


def _attributes(generator: random.Random, step: _Step, account: str, *, failed: bool) -> list[Pair]:
    status = 500 if failed else 200
    product = f"P{generator.randrange(_PRODUCTS):06d}"
    match step.style:
        case "http":
            method, _, route = step.operation.partition(" ")
            client = generator.randrange(_CLIENTS)
            return [
                ("http.request.method", method),
                ("http.route", route),
                ("url.path", route.replace("{id}", product)),
                ("url.scheme", "https"),
                ("server.address", f"{step.service}.example.com"),
                ("server.port", 443),
                ("client.address", f"10.{client % 200}.{client // 200}.7"),
                ("network.protocol.version", "1.1"),
                ("user_agent.original", _AGENTS[client % len(_AGENTS)]),
                ("http.response.status_code", status),
                ("app.account.id", account),
            ]
        case "call":
            return [
                ("http.request.method", "POST"),
                ("url.full", f"http://{step.service}:8080/api/items/{product}?n={generator.randrange(9)}"),
                ("server.address", step.service),
                ("server.port", 8080),
                ("http.response.status_code", status),
                ("network.peer.address", f"10.0.{generator.randrange(12)}.{generator.randrange(_PODS)}"),
            ]
        case "rpc":
            service, _, method = step.operation.partition("/")
            return [
                ("rpc.system", "grpc"),
                ("rpc.service", service),
                ("rpc.method", method),
                ("rpc.grpc.status_code", 13 if failed else 0),
                ("network.peer.address", f"10.0.{generator.randrange(12)}.{generator.randrange(_PODS)}"),
                ("network.peer.port", 32768 + generator.randrange(28_000)),
                ("app.account.id", account),
            ]
        case "sql":
            return [
                ("db.system.name", "postgresql"),
                ("db.namespace", "shop"),
                ("db.operation.name", step.operation.split()[0]),
                ("db.collection.name", step.operation.split()[1]),
                ("db.query.text", _QUERIES[step.service]),
                ("server.address", "postgres.example.com"),
                ("server.port", 5432),
            ]
        case "cache":
            return [("db.system.name", "redis"), ("db.operation.name", step.operation), ("server.address", "redis")]
        case "queue":
            return [
                ("messaging.system", "kafka"),
                ("messaging.destination.name", "orders"),
                ("messaging.message.id", f"{generator.getrandbits(128):032x}"),
                ("messaging.kafka.message.offset", generator.randrange(10**9)),
                ("messaging.client.id", f"{step.service}-{generator.randrange(_PODS)}"),
            ]
        case _:
            return [("thread.id", generator.randrange(64)), ("code.function.name", f"com.example.{step.operation}")]


def _pairs(pairs: list[Pair]) -> str:
    return ",".join(
        f'{{"key":"{key}","value":{{"intValue":"{value}"}}}}'
        if isinstance(value, int)
        else f'{{"key":"{key}","value":{{"stringValue":"{value}"}}}}'
        for key, value in pairs
    )


def _log(
    generator: random.Random, service: str, at: int, trace: str | None, span: str | None, *, failed: bool
) -> tuple[int, str, bytes]:
    severity, template = ("ERROR", generator.choice(_FAILURES)) if failed else generator.choice(_LOGS)
    body = template.format(
        ms=generator.randrange(1, 4_000),
        n=generator.randrange(1, 500),
        status=500 if failed else 200,
        product=f"P{generator.randrange(_PRODUCTS):06d}",
        host=f"10.0.{generator.randrange(12)}.{generator.randrange(_PODS)}",
        uuid=_uuid(generator),
        hex=f"{generator.getrandbits(64):016x}",
    )
    number = {"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17}[severity]
    context = f',"traceId":"{trace}","spanId":"{span}"' if trace else ""
    thread = generator.randrange(64)
    pairs = _pairs([("log.iostream", "stdout"), ("thread.name", f"worker-{thread}"), ("thread.id", thread)])
    text = (
        f'{{"timeUnixNano":"{at}","observedTimeUnixNano":"{at + 10**6}","severityNumber":{number},'
        f'"severityText":"{severity}","body":{{"stringValue":{orjson.dumps(body).decode()}}},"attributes":['
        f"{pairs}]{context}}}"
    )
    return generator.randrange(_PODS), service, text.encode()


def _uuid(generator: random.Random) -> str:
    text = f"{generator.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _requests(
    generator: random.Random, records: list[tuple[int, str, bytes]], signal: str, key: str
) -> Iterator[bytes]:
    """The records as export requests, by resource within each, as a Collector's batches are."""
    for first in range(0, len(records), _RECORDS_A_LINE):
        by_resource: dict[tuple[str, int], list[bytes]] = {}
        for pod, service, text in records[first : first + _RECORDS_A_LINE]:
            by_resource.setdefault((service, pod), []).append(text)
        parts = [
            b'{"resource":{"attributes":[%s]},"scopeSpans":[{"scope":{"name":"%s-instrumentation","version":"2.9.0"},'
            b'"spans":[%s]}]}' % (_resource(service, pod), _LANGUAGES[service].encode(), b",".join(texts))
            for (service, pod), texts in by_resource.items()
        ]
        line = b'{"resourceSpans":[' + b",".join(parts) + b"]}\n"
        if signal == "Logs":
            line = line.replace(b'"resourceSpans"', b'"resourceLogs"').replace(b'"scopeSpans"', b'"scopeLogs"')
            line = line.replace(b'"spans":', b'"logRecords":')
        yield line


def _resource(service: str, pod: int) -> bytes:
    name = f"{service}-7c9f8d{len(service):02x}b5-{'bcdfgh'[pod]}x{len(service)}kz"
    return _pairs([
        ("service.name", service),
        ("service.version", "1.4.2" if pod else "1.5.0"),
        ("service.namespace", "shop"),
        ("service.instance.id", f"{name}.shop"),
        ("deployment.environment.name", "production"),
        ("k8s.namespace.name", "shop"),
        ("k8s.pod.name", name),
        ("k8s.node.name", f"node-{(len(service) + pod) % 6}"),
        ("k8s.deployment.name", service),
        ("host.name", name),
        ("telemetry.sdk.language", _LANGUAGES[service]),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.version", "1.51.0"),
        ("process.pid", 1),
    ]).encode()  # fmt: skip
