"""The texts that are measured on: real ones from FEEDBACK_REAL_DATA where there are any, else made-up ones."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.bench.layouts import cases
from tests.bench.values import number, some

_TICKETS, _TICKET_SIZE = 100, 1_600
_OTHERS = ("presidio_research_synth_v2", "wnut17_train", "btc_a", "btc_b", "btc_h", "sec_filings_fin5")
_HEX = "0123456789abcdef"


def real_data() -> Path | None:
    """The folder of real data, if it is there."""
    folder = Path(os.environ.get("FEEDBACK_REAL_DATA", "/nonexistent"))
    return folder if folder.is_dir() else None


def log_lines(count: int = 1_000) -> list[str]:
    """Real log lines where there are any, else made-up ones, one in four with an identifier; all distinct."""
    folder = real_data()
    lines = _mixed(sorted((folder / "pii").glob("*.log")), count) if folder else []
    if lines:
        return lines
    identifying = [case.text for case in cases(3, 1)]
    made_up = technical_lines(3, count)
    made_up[::4] = Random(3).sample(identifying, len(made_up[::4]))
    return made_up


def lines_of_many_systems(count: int = 1_000) -> list[str]:
    """Real log lines of every system there is, in equal shares; without real data none."""
    folder = real_data()
    logs = folder / "telemetry" / "logs" if folder else None
    if folder is None or logs is None or not logs.is_dir():
        return []
    families = [
        *logs.glob("loghub/*/*.log"),
        *logs.glob("loki_drain/*.txt"),
        *logs.glob("elastic_examples/*.log"),
        *logs.glob("aws_elb/*.log"),
        *logs.glob("nezha_*/*_log.csv"),
    ]
    return _mixed(sorted(families), count) or log_lines(count)


def _mixed(files: list[Path], count: int) -> list[str]:
    share = count // len(files) if files else 0
    mixed: list[str] = []
    for file in files:
        lines = list(dict.fromkeys(file.read_text(encoding="utf-8", errors="replace").splitlines()))
        mixed += lines[:: max(1, len(lines) // share)][:share]
    return mixed


def tickets() -> list[str]:
    """Texts of a ticket's length: annotated prose where there is any, else one sentence in four with an identifier."""
    file = Path(os.environ.get("FEEDBACK_REAL_DATA", "/nonexistent")) / "pii" / "presidio_research_large.jsonl"
    if file.is_file():
        parts = [json.loads(line)["text"] for line in file.read_text(encoding="utf-8").splitlines()]
    else:
        parts = [
            f"{' '.join(some_prose)} {case.text}" for case, some_prose in zip(cases(4, 2), _prose(4), strict=False)
        ]
    texts, text = [], ""
    for part in parts:
        text = f"{text}\n{part}" if text else part
        if len(text) >= _TICKET_SIZE:
            texts.append(text)
            text = ""
    return texts[:_TICKETS]


_SENTENCES = (
    "Since the update this morning the page stays empty after I press the button.",
    "It worked well until last week, and nobody here has changed a thing.",
    "The total on the invoice is not the sum of its lines, see the second page.",
    "We tried another browser and another machine, and cleared everything we could.",
    "Could you tell us when it will be repaired, as our shop depends on it?",
    "The export ends after a few seconds with a message that nobody understands.",
    "Sometimes it helps to wait for a while and to begin again from the start.",
    "Two of our colleagues see the same, a third one does not.",
    "I add what was shown to me so that you can find it.",
    "This is the third time in a month, and every time we lose half a day.",
)


def _prose(seed: int) -> Iterator[list[str]]:
    """Three sentences at a time, without end."""
    rng = Random(seed)
    while True:
        yield rng.sample(_SENTENCES, 3)


def other_texts() -> list[str]:
    """Texts to warm up with: annotated ones that `tickets` does not hold, else sentences of the bench's layouts."""
    folder = real_data()
    files = [folder / "pii" / f"{name}.jsonl" for name in _OTHERS] if folder else []
    texts = [json.loads(line)["text"] for file in files if file.is_file() for line in file.open(encoding="utf-8")]
    return texts or [case.text for case in cases(5, 1)]


_TECHNICAL = (
    "{time} INFO [main] o.a.k.c.Fetcher: offset {n} for partition orders-{d}, lag={n}, took {d}.{ddd}ms",
    '{{"level":"info","trace_id":"{h32}","span_id":"{h16}","order_id":"{uuid}","total":{d}.{dd},"ts":{ns}}}',
    'level=warn ts={time} caller=main.go:{ddd} msg="slow query" duration={d}.{ddd}s rows={n} request_id={uuid}',
    "BLOCK* NameSystem.addStoredBlock: blk_-{n}{n} is added, size {n}",
    "pulled registry.example.com/shop/cart:v{d}.{dd}.{d}@sha256:{h32}{h32}",
    "commit {h32}{h8} by CI, build #{n}, version {d}.{d}.{dd}-rc.{d}+{h8}",
    "listening on 0.0.0.0:{port}, upstream 127.0.0.1:{port}, worker {d} pid {dddd}",
    "java.lang.IllegalStateException: state {d}\n\tat org.shop.checkout.Cart$Item.add(Cart.java:{ddd})",
    "GC pause (G1 Evacuation) {dddd}M->{ddd}M({dddd}M), 0.0{dddd} secs, heap 0x{h16}",
    'GET /api/v{d}/orders/{n} 200 {dddd} {d}.{ddd} "-" "curl/{d}.{dd}.{d}"',
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/{ddd}.0.{dddd}.{ddd} Safari/537.36",
    "attempt_{n}{dddd}_00{dd}_m_000{ddd}_0 TaskAttempt transitioned from RUNNING to SUCCESS",
    "{date} {clock},{ddd} +0200 session opened, token count 4096, password policy loaded",
    'etag="{h32}" cache-control=max-age={n} x-request-id={uuid} traceparent=00-{h32}-{h16}-01',
    "SELECT id, total FROM orders WHERE id = {n} AND created > '{date}' LIMIT {dd}",
    "pod/checkout-{h8}-x{d}k{d}z condition met, restarts {d}, cpu {ddd}m, memory {dddd}Mi",
    "kernel: [{n}.{ddd}{ddd}] usb 1-{d}: new device, idVendor={dddd}, idProduct={dddd}",
    "metrics: p50={d}.{dd} p99={ddd}.{d} count={n} errors={dd} window={date}T{clock}Z/PT5M",
    "iso {date}T{clock}.{ddd}{ddd}Z epoch {ns} ms {n}{ddd} tz +05:30 week 2026-W{dd}",
    "TLS handshake: cipher 0xc02f, ja3 {h32}, cert serial {h16}, not after {date}",
)


def technical_lines(seed: int, count: int) -> list[str]:
    """Made-up log lines without any personal data, full of ids, hashes, versions, times, ports and counts."""
    rng = Random(seed)
    return [_technical(rng) for _ in range(count)]


def _technical(rng: Random) -> str:
    hours = f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"
    day = f"20{rng.randint(10, 29)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    uuid = "-".join(some(rng, _HEX, size) for size in (8, 4, 4, 4, 12))
    return rng.choice(_TECHNICAL).format(
        time=f"{day}T{hours}.{number(rng, 3)}Z",
        date=day,
        clock=hours,
        uuid=uuid,
        n=number(rng, rng.randint(5, 10)),
        ns=number(rng, 19),
        h32=some(rng, _HEX, 32),
        h16=some(rng, _HEX, 16),
        h8=some(rng, _HEX, 8),
        d=number(rng, 1),
        dd=number(rng, 2),
        ddd=number(rng, 3),
        dddd=number(rng, 4),
        port=rng.randint(1024, 65535),
    )
