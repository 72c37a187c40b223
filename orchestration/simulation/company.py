"""The simulated company: twelve services, what they call, and what a request looks like when nothing is wrong.

A request is a tree of operations. Children run one after the other inside their parent; a parent's duration is its
own work plus that of its children, so whatever slows an operation slows everything above it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

# Kinds as OTLP numbers them.
INTERNAL, SERVER, CLIENT, CONSUMER = 1, 2, 3, 5
# What accounts pay for, and which share of them has it.
PLANS = (("free", 0.6), ("pro", 0.3), ("enterprise", 0.1))


@dataclass(frozen=True)
class Operation:
    """One operation of a request's tree: what becomes one span of each trace."""

    service: str
    name: str
    kind: int
    own_ms: float  # median of the work it does itself
    calls: tuple[Operation, ...] = ()
    dependency: str | None = None  # what a client span calls
    system: str | None = None  # the kind of store or API behind it
    chance: float = 1.0  # of being called at all


@dataclass(frozen=True)
class Request:
    """One kind of request users make, the tree of operations it causes, and how often it is made."""

    root: Operation
    weight: float
    is_nightly: bool = False  # started in the last minutes of the day, so that it ends in the next


@dataclass(frozen=True)
class Node:
    """An operation and the place of its parent in the list (-1: a root); parents come before their children."""

    operation: Operation
    parent: int


def _serve(service: str, name: str, own_ms: float, *calls: Operation, chance: float = 1.0) -> Operation:
    return Operation(service, name, SERVER, own_ms, calls, chance=chance)


def _store(service: str, name: str, own_ms: float, dependency: str, system: str, chance: float = 1.0) -> Operation:
    return Operation(service, name, CLIENT, own_ms, (), dependency, system, chance)


def _via(caller: str, callee: Operation) -> Operation:
    """A call whose client side is recorded too: half of a company's callers never are."""
    return Operation(caller, f"call {callee.service}", CLIENT, 1.2, (callee,), callee.service, None, callee.chance)


def _product(chance: float = 1.0) -> Operation:
    return _serve(
        "catalog", "GetProduct", 5, _store("catalog", "SELECT products", 4, "catalog-db", "postgresql"), chance=chance
    )


def _charge() -> Operation:
    return _serve("payment", "Charge", 12, _store("payment", "authorize card", 95, "card-network", "http"))


def _mail(chance: float) -> Operation:
    return _serve(
        "notification", "SendEmail", 6, _store("notification", "smtp send", 30, "mail-relay", "smtp"), chance=chance
    )


def _recommend(chance: float) -> Operation:
    cache_read = _store("recommendation", "GET ranking", 1.5, "ranking-cache", "redis")
    return _serve("recommendation", "Recommend", 14, cache_read, chance=chance)


def _place_order() -> Operation:
    cart = _serve("cart", "GetCart", 4, _store("cart", "HGETALL cart", 1.5, "cart-redis", "redis"))
    quote = _serve("shipping", "Quote", 8, _store("shipping", "carrier rates", 45, "carrier-api", "http"))
    order = _store("checkout", "INSERT orders", 7, "orders-db", "postgresql")
    return _serve("checkout", "PlaceOrder", 35, cart, quote, _via("checkout", _charge()), order, _mail(0.9))


REQUESTS: tuple[Request, ...] = (
    Request(_serve("frontend", "GET /products", 9, _via("frontend", _serve(
        "catalog", "ListProducts", 12, _store("catalog", "SELECT products", 9, "catalog-db", "postgresql"))),
        _recommend(0.5)), 17),
    Request(_serve("frontend", "GET /search", 8, _via("frontend", _serve(
        "search", "Search", 10, _store("search", "query index", 38, "search-index", "elasticsearch"))),
        _product(0.5)), 17),
    Request(_serve("frontend", "POST /cart/items", 7, _via("frontend", _serve(
        "cart", "AddItem", 6, _product(), _store("cart", "HSET cart", 1.5, "cart-redis", "redis")))), 16),
    Request(_serve("frontend", "POST /checkout", 12, _via("frontend", _place_order())), 19),
    Request(_serve("frontend", "POST /login", 6, _via("frontend", _serve(
        "accounts", "Login", 55, _store("accounts", "SELECT users", 4, "accounts-db", "postgresql")))), 10),
    Request(_serve("frontend", "GET /profile", 6, _serve(
        "accounts", "GetProfile", 5, _store("accounts", "GET session", 1.2, "session-redis", "redis"))), 6),
    Request(_serve("frontend", "GET /invoices", 7, _serve(
        "billing", "ListInvoices", 14, _store("billing", "SELECT invoices", 11, "billing-db", "postgresql"))), 5),
    Request(_serve("frontend", "POST /subscription", 7, _via("frontend", _serve(
        "billing", "Renew", 16, _charge(), _store("billing", "UPDATE subscriptions", 6, "billing-db", "postgresql"),
        _mail(0.6)))), 7),
    Request(_serve("frontend", "GET /tracking", 6, _serve(
        "shipping", "Track", 7, _store("shipping", "carrier status", 60, "carrier-api", "http"))), 5),
    Request(_serve("frontend", "POST /exports", 8, _via("frontend", _serve(
        "export", "CreateExport", 40, _store("export", "SELECT orders", 28, "orders-db", "postgresql"),
        _store("export", "PUT object", 22, "object-storage", "s3")))), 5),
    Request(Operation("export", "RunNightlyReport", CONSUMER, 20_000, (
        _store("export", "SELECT orders", 60_000, "orders-db", "postgresql"),
        _store("export", "PUT object", 9_000, "object-storage", "s3"))), 1, is_nightly=True),
)  # fmt: skip

SERVICES: tuple[str, ...] = (
    "frontend", "checkout", "payment", "cart", "catalog", "search",
    "accounts", "billing", "notification", "shipping", "recommendation", "export",
)  # fmt: skip

# What each service says while all is well, beside one line per operation: (severity, text, chance per server span).
CHATTER: Mapping[str, tuple[tuple[str, str, float], ...]] = {
    "frontend": (("DEBUG", "session {id} resumed on node {number}", 0.3),),
    "checkout": (("INFO", "order {order} accepted with {number} items", 0.9), ("DEBUG", "tax table {number}", 0.8)),
    "payment": (("INFO", "charge {id} authorised in {ms} ms", 0.9), ("DEBUG", "acquirer slot {number} picked", 0.6)),
    "cart": (("INFO", "cart {id} now holds {number} items", 0.6),),
    "catalog": (("DEBUG", "served {sku} from page cache", 0.5), ("INFO", "price list {number} applied to {sku}", 0.6)),
    "search": (("INFO", "query returned {number} hits in {ms} ms", 0.9), ("DEBUG", "spelling of {id} corrected", 0.4)),
    "accounts": (("INFO", "token issued for account {account}", 0.5), ("WARN", "login older than {number} days", 0.1)),
    "billing": (("INFO", "invoice {id} rendered with {number} lines", 0.6),),
    "notification": (("INFO", "message {id} queued as number {number}", 0.8),),
    "shipping": (("INFO", "carrier answered with {number} rates", 0.6),),
    "recommendation": (("DEBUG", "ranked {number} candidates in {ms} ms", 0.7),),
    "export": (("INFO", "export {id} wrote {number} rows", 0.8),),
}  # fmt: skip


@dataclass(frozen=True)
class Tree:
    """A request's operations as a list, parents first."""

    request: Request
    nodes: tuple[Node, ...] = field(default=())

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(node.operation.service for node in self.nodes))


@cache
def trees() -> tuple[Tree, ...]:
    """Every request as a list of nodes."""
    return tuple(Tree(request, tuple(_walk(request.root))) for request in REQUESTS)


def _walk(root: Operation) -> Iterator[Node]:
    waiting = [(root, -1)]
    place = 0
    while waiting:
        operation, parent = waiting.pop()
        yield Node(operation, parent)
        waiting.extend((call, place) for call in reversed(operation.calls))
        place += 1


@cache
def operations(service: str) -> frozenset[str]:
    """The names of a service's operations, those of its calls to others included."""
    return frozenset(
        node.operation.name for tree in trees() for node in tree.nodes if node.operation.service == service
    )


@cache
def dependencies(service: str) -> frozenset[str]:
    """What a service calls."""
    return frozenset(
        node.operation.dependency
        for tree in trees()
        for node in tree.nodes
        if node.operation.service == service and node.operation.dependency
    )
