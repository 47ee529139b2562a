#!/usr/bin/env python3
"""Checks the frozen examples of Hefu's formats, tests/vectors/formats.json, with Python alone.

Every hash, root, offset and signature is computed again from the inputs below and from
docs/formats.md (hefu_formats.py) and compared with the file; nothing is shared with the C side,
whose tests compare their own results with the same file. The last part runs a small chain
(hefu_example.py) through a second, plain implementation of the ledger (hefu_chain.py and
tests/model).

Usage: check.py           compare; exit code 1 at the first difference
       check.py --write   write the file anew: only with a change of a format and its ADR
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import hefu_chain as chain  # noqa: E402
import hefu_example as example  # noqa: E402
import hefu_formats as f  # noqa: E402

ACTIONS = 16  # the slot of state_root
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats.json")


class Vectors:
    """A flat, ordered list of names and texts: one a line, so that any language reads it."""

    def __init__(self):
        self.values = {}

    def put(self, name, value):
        if name in self.values:
            raise f.Mismatch(f"the vector {name} is made twice")
        if isinstance(value, (bytes, bytearray)):
            value = bytes(value).hex()
        self.values[name] = str(value)

    def put_all(self, prefix, values):
        for name, value in values.items():
            self.put(f"{prefix}.{name}", value)


def pattern(length, start=0):
    """Bytes that are not constant: start, start + 1 ... modulo 251."""
    return bytes((start + i) % 251 for i in range(length))


def add_layouts(v):
    layouts = {
        "record": f.RECORD,
        "batch": f.BATCH,
        "block": f.BLOCK,
        "preimage": f.PREIMAGE,
        "leaf": f.LEAF,
        "page": f.PAGE_HEAD,
        "entry": f.PAGE_ENTRY,
        "change": f.CHANGE,
        "action_row": f.ACTION_ROW,
        "key_file": f.KEY_FILE,
        "register": f.REGISTER,
    }
    for name, layout in layouts.items():
        v.put(f"layout.{name}.size", layout.size)
        for field, (offset, _) in layout.fields.items():
            v.put(f"layout.{name}.{field.split('@')[0]}", offset)
    for name, number in f.KINDS.items():
        v.put(f"kind.{name}", number)


def add_hashes(v):
    purposes = "record action batch block leaf node page writes table candidate validators leaders"
    purposes += " genesis source checksum"
    for purpose in purposes.split():
        v.put(f"hash.hefu.{purpose}", f.H(f"hefu.{purpose}", pattern(300)))


def add_trees(v):
    datas = [f.u32(i) for i in range(70)]
    for count in list(range(0, 18)) + [31, 32, 33, 63, 64, 65, 70]:
        v.put(f"tree.{count}.root", f.tree(datas[:count]))
    for count, index in ((1, 0), (2, 1), (3, 2), (7, 4), (8, 0), (70, 33), (70, 69)):
        v.put(f"tree.{count}.path.{index}", b"".join(f.path(datas[:count], index)))


RECORDS = [
    {
        "id": pattern(16, 1),
        "ref": pattern(16, 17),
        "match_key": pattern(16, 33),
        "details_hash": pattern(32, 49),
        "amount": 10**18 - 1,
        "interchange": -123456789,
        "payer_fee": 2**40 + 5,
        "payee_fee": -(2**40 + 6),
        "payer": 0x01020304,
        "payee": 0x05060708,
        "ref_participant": 0x090A0B0C,
        "business_date": 20261123,
        "timeout_s": 3600,
        "kind": 5,
        "scheme": 0x0D0E,
        "currency": 156,
        "mcc": 5411,
        "reason": b"AC04",
        "priority": 3,
        "flags": 15,
    },
    {
        "id": pattern(16, 100),
        "ref": bytes(16),
        "match_key": bytes(16),
        "details_hash": bytes(32),
        "amount": 1,
        "interchange": 0,
        "payer_fee": 0,
        "payee_fee": 0,
        "payer": 1,
        "payee": 2,
        "ref_participant": 0,
        "business_date": 20260101,
        "timeout_s": 0,
        "kind": 1,
        "scheme": 1,
        "currency": 156,
        "mcc": 0,
        "reason": bytes(4),
        "priority": 0,
        "flags": 0,
    },
]


def add_records(v):
    for i, fields in enumerate(RECORDS):
        record = f.RECORD.pack(**fields)
        v.put_all(f"record.{i}", fields)
        v.put(f"record.{i}.bytes", record)
        v.put(f"record.{i}.hash", f.record_hash(record))


def add_batches(v):
    records = [f.RECORD.pack(**fields) for fields in RECORDS]
    bodies = [
        (1, b"".join(records), f.records_root(records), 2, f.H("hefu.source", b"a file")),
        (1, b"".join(records * 3)[: 160 * 5], f.records_root((records * 3)[:5]), 5, f.ZERO),
        (2, b"an action's bytes", f.body_root(b"an action's bytes"), 1, f.ZERO),
    ]
    for i, (kind, body, root, count, source) in enumerate(bodies):
        fields = {
            "version": 1,
            "kind": kind,
            "participant": 7 + i,
            "key_no": 2,
            "count": count,
            "created_ms": 1763889000123,
            "expires_ms": 1763889000123 + 86400000,
            "chain_id": pattern(32, 9),
            "records_root": root,
            "source_hash": source,
            "part": 2 if source != f.ZERO else 0,
            "parts": 3 if source != f.ZERO else 0,
        }
        header = f.BATCH.pack(**fields)
        seed = pattern(32, 11 + i)
        v.put_all(f"batch.{i}", fields)
        v.put(f"batch.{i}.body", body)
        v.put(f"batch.{i}.bytes", header)
        v.put(f"batch.{i}.id", f.batch_id(header))
        v.put(f"batch.{i}.signed", f.batch_signed(header))
        v.put(f"batch.{i}.key", f.public_key(seed))
        v.put(f"batch.{i}.signature", f.sign(seed, f.batch_signed(header)))


def add_verdicts(v):
    for count in (1, 2, 31, 32, 33, 64, 70, 100):
        verdicts = [(7 * i + 10) % 412 for i in range(count)]
        v.put(f"verdicts.{count}.list", b"".join(f.u16(x) for x in verdicts))
        v.put(f"verdicts.{count}.root", f.verdict_vector_root(verdicts))


def add_blocks(v):
    ids = [f.H("hefu.batch", f.u32(i)) for i in range(5)]
    for count in range(6):
        v.put(f"batch_ids.{count}.list", b"".join(ids[:count]))
        v.put(f"batch_ids.{count}.root", f.tree(ids[:count]))
    roots = ("chain_id", "parent_hash", "batches_root", "verdicts_root", "accounts_root")
    roots += ("state_root", "history_root", "events_root", "next_validators_hash")
    fields = {
        "version": 1,
        "flags": 1,
        "epoch": 2,
        "height": 3,
        "timestamp_ms": 1763889000456,
        "proposer": 4,
        "batch_count": 5,
        "account_count": 6,
        "event_count": 7,
        "record_count": 8,
        "total_records": 2**40 + 9,
        **{name: pattern(32, 10 * i) for i, name in enumerate(roots)},
    }
    header = f.BLOCK.pack(**fields)
    v.put_all("block.0", fields)
    v.put("block.0.bytes", header)
    v.put("block.0.hash", f.block_hash(header))


def member(i):
    return (f.public_key(pattern(32, 3 + i)), pattern(32, 77 + i), 1 + i % 3)


def members(count):
    if count <= 10:
        return [member(i) for i in range(count)]
    return [(f.H("hefu.table", f.u32(i)), pattern(32, i), i) for i in range(count)]


def add_validators(v):
    for count in (1, 2, 3, 4, 5, 7, 10, 100):
        listed = members(count)
        set_hash = f.validator_set_hash(listed)
        name = f"validators.{count}"
        v.put(f"{name}.members", b"".join(k + t + f.u32(p) for k, t, p in listed))
        v.put(f"{name}.hash", set_hash)
        v.put(f"{name}.faulty_max", f.faulty_max(count))
        v.put(f"{name}.quorum", f.quorum(count))
        for epoch in (0, 1, 2**40):
            v.put(f"{name}.leaders.{epoch}", ",".join(map(str, f.leaders(set_hash, epoch, count))))


def add_votes(v):
    set_hash = f.validator_set_hash(members(4))
    block = f.block_hash(pattern(352))
    votes = [(f.NOTARIZE, 0, 1, 0), (f.NULLIFY, 0, 2, 0), (f.FINALIZE, 3, 2**33 + 1, 2**33)]
    for i, (kind, epoch, view, parent_view) in enumerate(votes):
        named = f.ZERO if kind == f.NULLIFY else block
        preimage = f.preimage(kind, epoch, view, parent_view, named, pattern(32, 5), set_hash)
        signature = f.sign(pattern(32, 4), preimage)
        fields = {
            "kind": kind,
            "signer": 1,
            "epoch": epoch,
            "view": view,
            "parent_view": parent_view,
            "block_hash": named,
        }
        v.put_all(f"vote.{i}", fields)
        v.put(f"vote.{i}.chain_id", pattern(32, 5))
        v.put(f"vote.{i}.validator_set_hash", set_hash)
        v.put(f"vote.{i}.digest", f.digest(kind, parent_view, named))
        v.put(f"vote.{i}.preimage", preimage)
        v.put(f"vote.{i}.key", f.public_key(pattern(32, 4)))
        v.put(f"vote.{i}.signature", signature)
        v.put(f"vote.{i}.row", f.VOTE_ROW.pack(signature=signature, **fields))
        signatures = [f.sign(pattern(32, 3 + k), preimage) for k in (0, 1, 3)]
        fields.pop("signer")
        prefix = f.CERTIFICATE_ROW.pack(count=3, signers=b"\x0b", **fields)
        v.put(f"vote.{i}.certificate", prefix + b"".join(signatures))
    v.put("final.row", f.FINAL_ROW.pack(height=9, epoch=3, view=2**33 + 1, hash=block))
    v.put("final.hash", block)


def add_accounts(v):
    numbers = [(1, 0, 0, "SETTLEMENT"), (1, 2, 0, "CLAIM"), (3, 0, 1, "POSITION")]
    for c, p, k, name in numbers + [(3, 449, 2, "COLLATERAL")]:
        number = 4 * c + 4 * (p * c + k) + f.CLASSES[name] - 1
        v.put(f"account_number.{c}.{p}.{k}.{name}", number)
    for k, name in ((0, "CASH"), (0, "FUND"), (2, "PAYOUT"), (63, "NETTING")):
        v.put(f"account_number.hub.{k}.{name}", 4 * k + f.CLASSES[name] - 5)
    fields = {
        "account": 13,
        "participant": 2,
        "currency": 156,
        "class": 2,
        "flags": 1,
        "debits_posted": 2**127 + 1,
        "credits_posted": 10**18,
        "debits_pending": 2**64,
        "credits_pending": 3,
        "limit": 2**63 + 5,
        "entries": 6,
        "last_page_height": 2**40,
        "head": pattern(32, 60),
    }
    leaf = f.LEAF.pack(**fields)
    v.put_all("account.0", fields)
    v.put("account.0.bytes", leaf)
    v.put("account.0.leaf_hash", f.leaf(leaf))
    add_page(v, fields)


def add_page(v, account):
    entries = [
        {"index": 5 << 16 | 8191, "leg": 0, "total": 0, "flags": 0, "delta": 10**18 - 1},
        {"index": 9, "leg": 3, "total": 2, "flags": 1, "delta": -(10**17)},
    ]
    names = ("debits_posted", "credits_posted", "debits_pending", "credits_pending")
    fields = {name: account[name] for name in names + ("limit", "flags", "account")}
    fields |= {"count": len(entries), "part": 1, "height": 2**40, "previous_height": 2**40 - 7}
    page = f.PAGE_HEAD.pack(**fields) + b"".join(f.PAGE_ENTRY.pack(**entry) for entry in entries)
    v.put_all("page.0", fields)
    for i, entry in enumerate(entries):
        v.put_all(f"page.0.entry.{i}", entry)
    v.put("page.0.bytes", page)
    v.put("page.0.head", pattern(32, 60))
    v.put("page.0.next_head", f.page_chain(pattern(32, 60), page))


def add_genesis(v):
    g = example.GENESIS
    lists = tuple(f.GENESIS_LISTS) + ("parameters",)
    v.put_all("genesis", {k: value for k, value in g.items() if k not in lists})
    for name in f.GENESIS_LISTS:
        v.put(f"genesis.{name}.count", len(g[name]))
        for i, item in enumerate(g[name]):
            put_item(v, f"genesis.{name}.{i}", item)
    put_item(v, "genesis.parameters", g["parameters"])
    v.put("genesis.bytes", f.genesis_bytes(g))
    v.put("genesis.chain_id", f.chain_id(g))


PACKED = {"cutoffs": f.u16, "holidays": f.u32, "workdays": f.u32}


def put_item(v, prefix, item):
    """Fields, packed lists of numbers, and lists of items."""
    for name, value in item.items():
        if name in PACKED:
            v.put(f"{prefix}.{name}", b"".join(map(PACKED[name], value)))
        elif isinstance(value, list):
            v.put(f"{prefix}.{name}.count", len(value))
            for i, inner in enumerate(value):
                put_item(v, f"{prefix}.{name}.{i}", inner)
        else:
            v.put(f"{prefix}.{name}", value)


def add_chain(v):
    ledger = chain.Ledger(example.GENESIS)
    put_block(v, ledger, [])
    for blueprint in example.BLOCKS:
        before = ledger.slots()[ACTIONS]
        put_block(v, ledger, ledger.execute(blueprint))
        put_key_proof(v, ledger, before)
    document = ledger.continued(example.CONTINUED_MS, example.CONTINUED_VALIDATORS)
    fields = ("incarnation", "created_ms")
    fields += ("root_chain_id", "root_hash", "root_height", "root_epoch")
    v.put_all("continued", {name: document[name] for name in fields})
    v.put("continued.validators.count", len(document["validators"]))
    for i, validator in enumerate(document["validators"]):
        put_item(v, f"continued.validators.{i}", validator)
    v.put("continued.bytes", f.genesis_bytes(document))
    v.put("continued.chain_id", f.chain_id(document))
    ledger.execute_root(document)
    put_block(v, ledger, [])
    put_block(v, ledger, ledger.execute(example.AFTER))
    v.put("chain.blocks", ledger.height + 1)


def put_block(v, ledger, batches):
    name = f"chain.{ledger.height}"
    for field in f.BLOCK.fields:
        v.put(f"{name}.{field}", decoded(f.BLOCK, ledger.header, field))
    v.put(f"{name}.header", ledger.header)
    v.put(f"{name}.hash", f.block_hash(ledger.header))
    for i, batch in enumerate(batches):
        v.put(f"{name}.batch.{i}.header", batch.header)
        v.put(f"{name}.batch.{i}.key", batch.key)
        v.put(f"{name}.batch.{i}.signature", batch.signature)
        body = getattr(batch, "body", b"")
        v.put(f"{name}.batch.{i}.records", body or b"".join(batch.records))
        v.put(f"{name}.batch.{i}.verdicts", b"".join(map(f.u16, batch.verdicts)))
    for slot, value in enumerate(ledger.slots()):
        if value != f.ZERO:
            v.put(f"{name}.digest.{slot}", value)
    for table, rows in ledger.written.items():
        for i, key in enumerate(sorted(rows)):
            v.put(f"{name}.write.{table}.{i}.key", key)
            v.put(f"{name}.write.{table}.{i}.value", rows[key] or b"")
        v.put(f"{name}.write.{table}.count", len(rows))


def put_key_proof(v, ledger, before):
    """What the meta row 'w' keeps of a block, as of any that wrote to ACTIONS."""
    rows = [key + value for key, value in ledger.written.get(ACTIONS, {}).items()]
    if not rows:
        return
    slots = ledger.slots()
    if slots[ACTIONS] != f.writes_digest(before, rows):
        raise f.Mismatch("a block's rows of ACTIONS are not in the order of the digest")
    steps = f.path(slots, ACTIONS)
    v.put(f"chain.{ledger.height}.key_proof", before + b"".join(steps + rows))


def decoded(layout, data, field):
    raw = layout.at(data, field)
    return raw if len(raw) > 8 else int.from_bytes(raw, "little")


def make():
    v = Vectors()
    parts = (add_layouts, add_hashes, add_trees, add_records, add_batches, add_verdicts, add_blocks)
    parts += (add_validators, add_votes, add_accounts, add_genesis, add_chain)
    for part in parts:
        part(v)
    return v.values


def compare(made, frozen):
    problems = []
    for name in list(made) + [name for name in frozen if name not in made]:
        a, b = made.get(name), frozen.get(name)
        if a != b:
            problems.append(f"{name}\n  recomputed {a}\n  frozen     {b}")
    return problems


def main(arguments):
    if arguments not in ([], ["--write"]):
        print(__doc__, file=sys.stderr)
        return 2
    made = make()
    if arguments:
        with open(FILE, "w", encoding="ascii") as file:
            json.dump(made, file, indent=0)
            file.write("\n")
        print(f"check: wrote {len(made)} values")
        return 0
    with open(FILE, encoding="ascii") as file:
        frozen = json.load(file)
    problems = compare(made, frozen)
    for problem in problems[:20]:
        print(problem)
    if problems:
        print(f"check: {len(problems)} of {len(made)} values differ")
        return 1
    print(f"check: {len(made)} values recomputed, all as frozen")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except f.Mismatch as problem:
        print(f"check: {problem}")
        sys.exit(1)
