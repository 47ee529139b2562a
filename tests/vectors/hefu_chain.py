"""The example chain of check.py through the naive model of tests/model, with every root and row.

The model gives verdicts, entries and rows of records; this part makes of them what docs/formats.md
says: pages, leaves, digests, headers and the STATE row. Nothing is shared with the C ledger.
"""

import os
import struct
import sys

import hefu_actions
import hefu_formats as f
from hefu_example import key_of, seed

sys.path.insert(0, os.path.join(f.ROOT, "tests", "model"))

import form  # noqa: E402
import ledger as model  # noqa: E402
import state as s  # noqa: E402

# Stored tables, by number.
STATE, ACCOUNTS, PAGES, IDS, LIFE, SOURCES, PARTICIPANTS, LIMITS, SERVICES, SCHEMES = range(1, 11)
CYCLES, CYCLE_NETS, EVENTS, TRANSACTIONS = 11, 12, 13, 14
EXPIRY, QUEUE, CALENDARS, PARAMETERS = 18, 19, 20, 21
RUNNING = (IDS, LIFE, SOURCES, TRANSACTIONS, EXPIRY, QUEUE)
TOTALS = ("debits_posted", "credits_posted", "debits_pending", "credits_pending")


class Batch:
    def __init__(self, genesis_id, participant, source, records, now):
        self.participant, self.source, self.records = participant, source, records
        self.header = f.BATCH.pack(
            version=1,
            kind=1,
            participant=participant,
            key_no=1,
            count=len(records),
            created_ms=now - 500,
            expires_ms=now + 60000,
            chain_id=genesis_id,
            records_root=f.records_root(records),
            source_hash=source or f.ZERO,
            part=0,
            parts=1 if source else 0,
        )
        self.id = f.batch_id(self.header)
        self.key = key_of(participant)
        self.signature = f.sign(seed(participant), f.batch_signed(self.header))
        self.verdicts = []


class BodyBatch:
    """A batch of an action (2) or of evidence (3), signed with the key of a seed."""

    def __init__(self, genesis_id, kind, participant, key_no, secret, body, created_ms):
        self.participant, self.key_no, self.kind, self.body = participant, key_no, kind, body
        self.records, self.verdicts = [], []
        self.header = f.BATCH.pack(
            version=1,
            kind=kind,
            participant=participant,
            key_no=key_no,
            count=1,
            created_ms=created_ms,
            expires_ms=created_ms + 60000,
            chain_id=genesis_id,
            records_root=f.body_root(body),
            source_hash=f.ZERO,
            part=0,
            parts=0,
        )
        self.id = f.batch_id(self.header)
        self.key = f.public_key(secret)
        self.signature = f.sign(secret, f.batch_signed(self.header))


class Ledger(hefu_actions.Governance):
    def __init__(self, genesis):
        self.genesis, self.chain_id = genesis, f.chain_id(genesis)
        self.money = model.Ledger(form.genesis_of(f.genesis_bytes(genesis)))
        self.height, self.total_records = 0, 0
        self.timestamp_ms, self.epoch = genesis["created_ms"], 0
        self.hashes, self.events = [], []
        self.running = {table: f.ZERO for table in RUNNING}
        self.heads = {account: (0, 0, f.ZERO) for account in self.money.totals}
        self.written = {table: self.small_table(table) for table in range(PARTICIPANTS, CYCLES)}
        self.written |= {table: self.small_table(table) for table in (CALENDARS, PARAMETERS)}
        self.written |= {CYCLES: self.cycle_rows()}
        numbers = {account: self.money.account_number(account) for account in self.heads}
        self.accounts = sorted(self.heads, key=numbers.get)
        self.written |= {ACCOUNTS: {f.be32(numbers[a]): self.leaf(a) for a in self.accounts}}
        self.begin_governance()
        self.terminal = False
        self.seal([], 0, 0)

    # -- small tables --

    def small_table(self, table):
        g, by_number = self.genesis, lambda rows, pack: {f.be16(r["number"]): pack(r) for r in rows}
        if table == PARTICIPANTS:
            standing = self.money.standing
            rows = [p | {"status": standing[p["number"]]} for p in g["participants"]]
            return {f.be32(p["number"]): f.participant_bytes(p) for p in rows}
        if table == LIMITS:
            key = lambda l: f.be32(l["participant"]) + f.be16(l["currency"])  # noqa: E731
            return {key(l): f.LIMIT.pack(**l) for l in g["limits"]}
        if table == SERVICES:
            return by_number(g["services"], f.service_bytes)
        if table == SCHEMES:
            return by_number(g["schemes"], f.scheme_bytes)
        if table == CALENDARS:
            return by_number(g["calendars"], f.calendar_bytes)
        return {b"parameters": f.parameters_bytes(g["parameters"])}

    def cycle_rows(self):
        """Of those not yet settled."""
        cycles = self.money.cycles
        rows = [model.cycle_row(c, row) for c, row in cycles.items() if row["state"] != s.SETTLED]
        return {row[:6]: row[6:] for row in rows}

    def net_rows(self):
        """Of the open ones."""
        nets, cycles = self.money.nets, self.money.cycles
        rows = [model.net_row(k, v) for k, v in nets.items() if cycles[k[:2]]["state"] == s.OPEN]
        return {row[:10]: row[10:] for row in rows}

    # -- accounts --

    def account_fields(self, account):
        holder, currency, kind = account
        cap, covered = self.money.limit(holder, currency) if kind == s.POSITION else (0, False)
        fields = {"account": self.money.account_number(account), "limit": cap}
        fields |= {"flags": int(covered)} | dict(zip(TOTALS, self.money.totals[account]))
        return fields

    def leaf(self, account):
        holder, currency, kind = account
        entries, height, head = self.heads[account]
        fields = {"participant": holder, "currency": currency, "entries": entries, "class": kind}
        fields |= {"last_page_height": height, "head": head}
        return f.LEAF.pack(**fields, **self.account_fields(account))

    def write_pages(self):
        pages, leaves, by_account = {}, {}, {}
        for account, index, leg, total, flags, delta in self.money.entries:
            entry = {"index": index, "leg": leg, "total": total, "flags": flags, "delta": delta}
            by_account.setdefault(account, []).append(f.PAGE_ENTRY.pack(**entry))
        for account, entries in by_account.items():
            assert len(entries) <= 4096
            count, previous, head = self.heads[account]
            fields = self.account_fields(account)
            fields |= {"count": len(entries), "part": 0, "height": self.height}
            page = f.PAGE_HEAD.pack(previous_height=previous, **fields) + b"".join(entries)
            self.heads[account] = (count + len(entries), self.height, f.page_chain(head, page))
            key = f.be32(fields["account"])
            pages[key + f.be64(self.height) + f.be16(0)] = page
            leaves[key] = self.leaf(account)
        self.written |= {PAGES: pages, ACCOUNTS: leaves} if pages else {}

    # -- a block --

    def begin(self, now):
        self.hashes.append(f.block_hash(self.header))
        self.height += 1
        self.timestamp_ms, self.epoch = now, self.next_epoch
        self.begin_block_of_actions()
        self.money.begin_block(now)
        self.money.due_events()

    def continued(self, created_ms, validators):
        """The document of the next incarnation, which continues the last block."""
        fields = {"root_chain_id": self.chain_id, "root_hash": f.block_hash(self.header)}
        fields |= {"root_height": self.height, "root_epoch": self.next_epoch}
        fields |= {"created_ms": created_ms, "validators": validators}
        return self.genesis | fields | {"incarnation": self.genesis["incarnation"] + 1}

    def execute_root(self, document):
        """docs/formats.md, Incarnations."""
        self.begin(document["created_ms"])
        before = self.small_table(PARTICIPANTS)
        self.money.end_block()
        self.take_rows(before)
        self.enter(document["validators"])
        self.finish_actions()
        self.write_pages()
        self.genesis, self.chain_id = document, f.chain_id(document)
        self.seal([], 0, 0)

    def execute(self, blueprint):
        now = blueprint["timestamp_ms"]
        self.begin(now)
        batches = [Batch(self.chain_id, *batch, now) for batch in blueprint["batches"]]
        for build in blueprint.get("bodies", []):
            made = build(batches, self)
            batches.append(BodyBatch(self.chain_id, *made, now - 400 + len(batches)))
        for index, batch in enumerate(batches):
            self.execute_batch(index, batch)
        before = self.small_table(PARTICIPANTS)
        self.money.end_block()
        self.take_rows(before)
        self.finish_actions()
        self.write_pages()
        self.seal(batches, blueprint["proposer"], sum(len(batch.records) for batch in batches))
        return batches

    def take_rows(self, participants):
        self.events = [row[12:] for row in self.money.event_rows()]
        self.written = {t: dict(rows) for t, rows in self.money.writes().items() if rows}
        now = self.small_table(PARTICIPANTS)
        if now != participants:
            self.written[PARTICIPANTS] = {k: v for k, v in now.items() if v != participants[k]}
        for table, rows in self.money.rows().items():
            if table in RUNNING:
                self.running[table] = f.writes_digest(self.running[table], rows)

    def queue_rows(self):
        return [
            struct.pack(">HQI", row["currency"], *place) + model.queue_value(row)
            for place, row in self.money.queue.items()
        ]

    def execute_batch(self, index, batch):
        if isinstance(batch, BodyBatch):
            kinds = {2: self.execute_action, 3: self.execute_evidence}
            kinds[batch.kind](index, batch)
            return
        parts = (batch.participant, batch.id, batch.source, 0, batch.records)
        batch.verdicts = self.money.batch(index, *parts)

    # -- roots --

    def slots(self):
        slots = [f.ZERO] * 32
        parameters = ("delta_ms", "block_interval_ms", "empty_interval_ms", "block_records")
        numbers = [0, 1] + [self.genesis[name] for name in parameters]
        slots[0] = f.H("hefu.table", b"".join(map(f.u32, numbers)))
        for table in (PARTICIPANTS, LIMITS, SERVICES, SCHEMES, CALENDARS, PARAMETERS):
            slots[table] = f.rows_digest(table, self.small_table(table))
        slots[CYCLES] = f.rows_digest(CYCLES, self.cycle_rows())
        slots[CYCLE_NETS] = f.rows_digest(CYCLE_NETS, self.net_rows())
        for table, value in self.running.items():
            slots[table] = value
        self.governance_slots(slots)
        return slots

    def seal(self, batches, proposer, record_count):
        self.total_records += record_count
        self.header = f.BLOCK.pack(
            version=1,
            flags=1 if self.terminal else 0,
            epoch=self.epoch,
            height=self.height,
            timestamp_ms=self.timestamp_ms,
            proposer=proposer,
            batch_count=len(batches),
            account_count=len(self.accounts),
            event_count=len(self.events),
            record_count=record_count,
            total_records=self.total_records,
            chain_id=self.chain_id,
            parent_hash=self.hashes[-1] if self.hashes else f.ZERO,
            batches_root=f.tree([batch.id for batch in batches]),
            verdicts_root=f.tree([f.verdict_vector_root(batch.verdicts) for batch in batches]),
            accounts_root=f.tree([self.leaf(account) for account in self.accounts]),
            state_root=f.tree(self.slots()),
            history_root=f.tree(self.hashes),
            events_root=f.tree(self.events),
            next_validators_hash=self.validators_hash,
        )
        numbers = (self.height, self.timestamp_ms, self.epoch, self.total_records)
        value = f.u32(3) + bytes(4) + b"".join(map(f.u64, numbers))
        value += f.block_hash(self.header) + b"".join(self.slots())
        next_due = f.u64(min(self.money.expiry)[0] if self.money.expiry else 2**64 - 1)
        value += next_due + f.u64(sum(map(mix, [next_due] + self.queue_rows())) % 2**64)
        value += f.u64(len(self.hashes)) + b"".join(f.frontier(self.hashes))
        self.written[STATE] = {b"state": value}


def mix(data):
    """docs/formats.md, Stored tables, check of STATE."""
    h = 0
    for (word,) in struct.iter_unpack("<Q", data + bytes(-len(data) % 8)):
        h = (h ^ word) * 0x9E3779B97F4A7C15 % 2**64
        h ^= h >> 32
    return h
