#!/usr/bin/env python3
"""The naive model behind a pipe, for tests/unit/ledger/test_differential.c.

It reads frames from its input, integers little-endian: 'G' length u32 and canonical genesis: a new
ledger; 'B' time u64, batches u32, for each participant u32, key_no u32, kind u32 (1 records, 2
action), batch id 32, source 32, part u32, then count u32 and the records, or length u32 and the
bytes of the action: a block, which it answers with length u32 and text, one line each of what the
block came to: verdicts, rows of every table in the order of their digests, entries, totals with
limits, digests.
"""

import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import form  # noqa: E402
import ledger as model  # noqa: E402
import state  # noqa: E402


def take(source, size):
    data = source.read(size)
    if len(data) != size:
        sys.exit(0)
    return data


def numbers(source, layout):
    layout = struct.Struct("<" + layout)
    return layout.unpack(take(source, layout.size))


def read_batches(source, count):
    for _ in range(count):
        by, key_no, kind, batch_id, origin, part, size = numbers(source, "III32s32sII")
        if kind == 2:
            yield model.Act((by, key_no, batch_id, take(source, size)))
            continue
        data = take(source, 160 * size)
        listed = [data[at : at + 160] for at in range(0, len(data), 160)]
        yield by, batch_id, origin if any(origin) else None, part, listed


def answer(ledger, verdicts):
    lines = []
    for batch, listed in enumerate(verdicts):
        lines += [f"verdict {batch} {at} {verdict}" for at, verdict in enumerate(listed)]
    for table, rows in sorted(ledger.writes().items()):
        lines += [f"row {table} {key.hex()} {(value or b'').hex()}" for key, value in rows]
    by_account = {}
    for account, *entry in ledger.entries:
        by_account.setdefault(ledger.account_number(account), []).append(entry)
    for number in sorted(by_account):
        lines += [f"entry {number} " + " ".join(map(str, e)) for e in by_account[number]]
    lines += accounts(ledger)
    lines += [f"digest {slot} {value.hex()}" for slot, value in sorted(ledger.digests.items())]
    return "\n".join(lines) + "\n"


def accounts(ledger):
    """Of every account that has moved or has a limit: number, totals, limit, flags."""
    index = {number: at for at, number in enumerate(ledger.participants)}
    rows = []
    for account, totals in ledger.totals.items():
        holder, currency, kind = account
        cap, covered = ledger.limit(holder, currency) if kind == state.POSITION else (0, False)
        if any(totals) or cap or covered:
            rows.append((ledger.account_number(account, index), *totals, cap, int(covered)))
    return ["account " + " ".join(map(str, row)) for row in sorted(rows)]


def main():
    source, ledger = sys.stdin.buffer, None
    while True:
        kind = take(source, 1)
        if kind == b"G":
            (size,) = numbers(source, "I")
            ledger = model.Ledger(form.genesis_of(take(source, size)))
            continue
        now, count = numbers(source, "QI")
        verdicts = ledger.block(now, list(read_batches(source, count)))
        text = answer(ledger, verdicts).encode()
        sys.stdout.buffer.write(struct.pack("<I", len(text)) + text)
        sys.stdout.buffer.flush()


main()
