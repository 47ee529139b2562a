"""A second, plain implementation of the ledger's first kinds, for the example chain of check.py.

It knows FUND, CLEAR, PAY and REFUND, accounts, pages, cycles, nets and every root of the block
header, and is written from docs/formats.md and docs/ledger.md alone. It is not a validator: it
checks only the rules that the example chain meets.
"""

import copy

import hefu_actions
import hefu_formats as f
from hefu_example import FUND, LINKED, REFUND, key_of, seed

POSTED, EXISTS, EXISTS_DIFFERENT, SOURCE_EXISTS, ID_ZERO = 0, 10, 11, 12, 100
LINKED_FAILED, REF_NOT_FOUND, EXCEEDS_REMAINING, DUPLICATE_KEY = 300, 301, 305, 306
INSUFFICIENT_FUNDS, CAP = 400, 401

AMOUNT, INTERCHANGE, PAYER_FEE, PAYEE_FEE = 0, 1, 2, 3
DEBITS, CREDITS = 0, 1
DEFERRED = 1

# Stored tables, by number.
STATE, ACCOUNTS, PAGES, IDS, LIFE, SOURCES, PARTICIPANTS, LIMITS, SERVICES, SCHEMES = range(1, 11)
CYCLES, CYCLE_NETS, TRANSACTIONS = 11, 12, 14


class Account:
    def __init__(self, number, participant, currency, kind, limit, flags):
        self.number, self.participant = number, participant
        self.currency, self.kind = currency, kind
        self.limit, self.flags = limit, flags
        self.totals, self.entries, self.last_page_height, self.head = [0, 0, 0, 0], 0, 0, f.ZERO
        self.pending_entries = []

    def balance(self):
        return self.totals[CREDITS] - self.totals[DEBITS]

    def leaf(self):
        names = ("debits_posted", "credits_posted", "debits_pending", "credits_pending")
        return f.LEAF.pack(
            account=self.number,
            participant=self.participant,
            currency=self.currency,
            limit=self.limit,
            flags=self.flags,
            entries=self.entries,
            last_page_height=self.last_page_height,
            head=self.head,
            **{"class": f.CLASSES[self.kind]},
            **dict(zip(names, self.totals)),
        )


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
        self.height, self.total_records = 0, 0
        self.timestamp_ms, self.epoch = genesis["created_ms"], 0
        self.hashes = []
        self.running = {table: f.ZERO for table in (IDS, LIFE, SOURCES, TRANSACTIONS)}
        self.ids, self.records, self.returned, self.sources, self.transactions = {}, {}, {}, {}, {}
        self.open_accounts()
        self.open_cycles()
        self.static_tables()
        self.written = {PARTICIPANTS: self.participants, LIMITS: self.limits}
        self.written |= {SERVICES: self.services, SCHEMES: self.schemes}
        self.written |= {CYCLES: self.cycle_rows()}
        self.written |= {ACCOUNTS: {f.be32(a.number): a.leaf() for a in self.accounts}}
        self.begin_governance()
        self.terminal = False
        self.seal([], 0, 0)

    # -- genesis --

    def open_accounts(self):
        self.accounts, self.by_name = [], {}
        caps = {(l["participant"], l["currency"]): l for l in self.genesis["limits"]}
        for holder in [0] + [p["number"] for p in self.genesis["participants"]]:
            kinds = ("SETTLEMENT", "POSITION", "COLLATERAL", "CLAIM")
            for currency in [currency["numeric"] for currency in self.genesis["currencies"]]:
                for kind in kinds if holder else ("CASH", "PAYOUT", "NETTING", "FUND"):
                    limit = caps.get((holder, currency)) if kind == "POSITION" else None
                    cap, flags = (limit["cap"], limit["flags"]) if limit else (0, 0)
                    number = len(self.accounts)
                    account = Account(number, holder, currency, kind, cap, flags)
                    self.accounts.append(account)
                    self.by_name[holder, currency, kind] = account

    def open_cycles(self):
        self.cycles, self.nets = {}, {}
        for service in self.genesis["services"]:
            if service["mode"] == DEFERRED:
                cycle = {"currency": service["currency"], "records": 0, "turnover": 0}
                self.cycles[service["number"], 1] = cycle

    def cycle_rows(self):
        rows, opened = {}, {"opened_height": 0, "opened_ms": self.genesis["created_ms"]}
        opened |= {"closed_height": 0, "closed_ms": 0}
        for (service, number), cycle in self.cycles.items():
            rows[f.be16(service) + f.be32(number)] = f.CYCLE.pack(state=1, **cycle, **opened)
        return rows

    def net_rows(self):
        return {
            f.be16(s) + f.be32(c) + f.be32(p): f.u128(net[DEBITS]) + f.u128(net[CREDITS])
            for (s, c, p), net in self.nets.items()
        }

    def static_tables(self):
        g = self.genesis
        self.participants = {f.be32(p["number"]): f.participant_bytes(p) for p in g["participants"]}
        limit_key = lambda l: f.be32(l["participant"]) + f.be16(l["currency"])  # noqa: E731
        self.limits = {limit_key(l): f.LIMIT.pack(**l) for l in g["limits"]}
        self.services = {f.be16(s["number"]): f.service_bytes(s) for s in g["services"]}
        self.schemes = {f.be16(s["number"]): f.SCHEME.pack(**s) for s in g["schemes"]}

    # -- posting --

    def scheme(self, record):
        number = f.RECORD.number(record, "scheme")
        return next(s for s in self.genesis["schemes"] if s["number"] == number)

    def service(self, record):
        number = self.scheme(record)["service"]
        return next(s for s in self.genesis["services"] if s["number"] == number)

    def legs(self, record):
        """(leg, debited, credited, size): from whom to whom, by participant; 0 is the hub."""
        number = lambda name, signed=False: f.RECORD.number(record, name, signed)  # noqa: E731
        payer, payee, kind = number("payer"), number("payee"), number("kind")
        if kind == FUND:
            return [(AMOUNT, 0, payee, number("amount"))]
        network = self.scheme(record)["network"]
        one, other = (payee, payer) if kind == REFUND else (payer, payee)
        legs = [
            (AMOUNT, one, other, number("amount")),
            (INTERCHANGE, payee, payer, number("interchange", True)),
            (PAYER_FEE, payer, network, number("payer_fee", True)),
            (PAYEE_FEE, payee, network, number("payee_fee", True)),
        ]
        turned = [(leg, b, a, -size) if size < 0 else (leg, a, b, size) for leg, a, b, size in legs]
        return [leg for leg in turned if leg[3] != 0]

    def account_kind(self, record, participant):
        if f.RECORD.number(record, "kind") == FUND:
            return "CASH" if participant == 0 else "SETTLEMENT"
        return "POSITION" if self.service(record)["mode"] == DEFERRED else "SETTLEMENT"

    def exposure(self, participant, currency, changes):
        """The sum over the open cycles of what is owed, with changes added to the nets."""
        total = 0
        for (service, number), cycle in self.cycles.items():
            if cycle["currency"] == currency:
                name = (service, number, participant)
                net = self.nets.get(name, [0, 0])
                total += max(0, net[DEBITS] - net[CREDITS] + changes.get(name, 0))
        return total

    def money_verdict(self, record, legs):
        currency = f.RECORD.number(record, "currency")
        owed = {}
        for _, debited, credited, size in legs:
            owed[debited] = owed.get(debited, 0) + size
            owed[credited] = owed.get(credited, 0) - size
        for participant, change in owed.items():
            if change <= 0 or participant == 0:
                continue
            kind = self.account_kind(record, participant)
            account = self.by_name[participant, currency, kind]
            if kind == "SETTLEMENT":
                if account.balance() - change < 0:
                    return INSUFFICIENT_FUNDS
                continue
            name = (self.scheme(record)["service"], 1, participant)
            if self.exposure(participant, currency, {name: change}) > account.limit:
                return CAP
        return POSTED

    def reference_verdict(self, record, submitter):
        """Of a REFUND: what its original still allows; and the original's place."""
        place = self.ids.get((submitter, f.RECORD.at(record, "ref")), (None, None))[0]
        if place is None:
            return REF_NOT_FOUND, None
        original, verdict = self.records[place]
        assert verdict == POSTED
        assert f.RECORD.at(original, "match_key") == f.RECORD.at(record, "match_key")
        returned = self.returned.get(place, 0) + f.RECORD.number(record, "amount")
        exceeds = returned > f.RECORD.number(original, "amount")
        return (EXCEEDS_REMAINING if exceeds else POSTED), place

    def take_id(self, batch, record, place):
        """POSTED if the id was free: it is taken now, whatever becomes of the record."""
        number = f.RECORD.at(record, "id")
        if number == bytes(16):
            return ID_ZERO
        taken = self.ids.get((batch.participant, number))
        if taken:
            return EXISTS if taken[1] == f.record_hash(record) else EXISTS_DIFFERENT
        self.ids[batch.participant, number] = (place, f.record_hash(record))
        value = self.place_bytes(place) + f.record_hash(record)
        self.rows[IDS].append(f.be32(batch.participant) + number + value)
        return POSTED

    def judge(self, batch, record, place):
        """The record's verdict; a posted one has had all its effects."""
        verdict, original = self.take_id(batch, record, place), None
        if verdict != POSTED:
            return verdict
        kind, match_key = f.RECORD.number(record, "kind"), f.RECORD.at(record, "match_key")
        transaction = (match_key, f.RECORD.number(record, "scheme"))
        names_one = kind != REFUND and match_key != bytes(16)
        if kind == REFUND:
            verdict, original = self.reference_verdict(record, batch.participant)
        elif names_one and transaction in self.transactions:
            verdict = DUPLICATE_KEY
        if verdict == POSTED:
            verdict = self.money_verdict(record, self.legs(record))
        if verdict == POSTED:
            self.post(record, place)
            if names_one:
                self.transactions[transaction] = place
                value = self.place_bytes(place) + f.u16(1) + bytes(2)
                self.rows[TRANSACTIONS].append(match_key + f.be16(transaction[1]) + value)
            if original:
                amount = f.RECORD.number(record, "amount")
                self.returned[original] = self.returned.get(original, 0) + amount
                if original not in self.acted_on:
                    self.acted_on.append(original)
        return verdict

    def post(self, record, place):
        currency, total = f.RECORD.number(record, "currency"), 0
        is_fund = f.RECORD.number(record, "kind") == FUND
        deferred = not is_fund and self.service(record)["mode"] == DEFERRED
        for leg, debited, credited, size in self.legs(record):
            for participant, side in ((debited, DEBITS), (credited, CREDITS)):
                kind = self.account_kind(record, participant)
                account = self.by_name[participant, currency, kind]
                account.totals[side] += size
                account.pending_entries.append(
                    f.PAGE_ENTRY.pack(index=place[1], leg=leg, total=side, flags=0, delta=size)
                )
                if deferred:
                    name = (self.scheme(record)["service"], 1, participant)
                    self.nets.setdefault(name, [0, 0])[side] += size
                    self.changed_nets.add(name)
            total += size
        if deferred:
            cycle = self.cycles[self.scheme(record)["service"], 1]
            cycle["records"] += 1
            cycle["turnover"] += total

    @staticmethod
    def place_bytes(place):
        return f.u64(place[0]) + f.u32(place[1])

    # -- a block --

    def execute(self, blueprint):
        self.hashes.append(f.block_hash(self.header))
        self.height += 1
        self.timestamp_ms, self.epoch = blueprint["timestamp_ms"], self.next_epoch
        self.rows = {table: [] for table in self.running}
        self.acted_on, self.changed_nets = [], set()
        before_cycles = self.cycle_rows()
        now = self.timestamp_ms
        self.begin_block_of_actions()
        batches = [Batch(self.chain_id, *batch, now) for batch in blueprint["batches"]]
        for build in blueprint.get("bodies", []):
            batches.append(BodyBatch(self.chain_id, *build(batches, self), now - 400 + len(batches)))
        for index, batch in enumerate(batches):
            self.execute_batch(index, batch)
        for place in self.acted_on:
            key = f.be64(place[0]) + f.be32(place[1])
            self.rows[LIFE].append(key + f.u64(self.returned[place]) + f.u16(1) + bytes(6))
        self.written = {table: self.split_rows(table) for table in self.running if self.rows[table]}
        for table, rows in self.rows.items():
            self.running[table] = f.writes_digest(self.running[table], rows)
        self.finish_actions()
        self.write_pages()
        changed = {key: row for key, row in self.cycle_rows().items() if row != before_cycles[key]}
        nets = {f.be16(s) + f.be32(c) + f.be32(p) for s, c, p in self.changed_nets}
        nets = {key: row for key, row in self.net_rows().items() if key in nets}
        self.written |= {CYCLES: changed} if changed else {}
        self.written |= {CYCLE_NETS: nets} if nets else {}
        self.seal(batches, blueprint["proposer"], sum(len(batch.records) for batch in batches))
        return batches

    def execute_batch(self, index, batch):
        if isinstance(batch, BodyBatch):
            kinds = {2: self.execute_action, 3: self.execute_evidence}
            kinds[batch.kind](index, batch)
            return
        name = (batch.participant, batch.source, 0)
        if batch.source and name in self.sources:
            batch.verdicts = [SOURCE_EXISTS] * len(batch.records)
        else:
            if batch.source:
                self.sources[name] = batch.id
                key = f.be32(batch.participant) + batch.source + f.be32(0)
                self.rows[SOURCES].append(key + batch.id)
            while len(batch.verdicts) < len(batch.records):
                self.execute_linked(index, batch, len(batch.verdicts))

    def execute_linked(self, index, batch, first):
        """The records from first through the first one without LINKED: all are posted, or none."""
        last = first
        while f.RECORD.number(batch.records[last], "flags") & LINKED:
            last += 1
        before, failed = self.money_state(), False
        for at in range(first, last + 1):
            record, place = batch.records[at], (self.height, index << 16 | at)
            if failed:
                verdict = self.take_id(batch, record, place) or LINKED_FAILED
            else:
                verdict = self.judge(batch, record, place)
                if verdict != POSTED:
                    failed = True
                    self.restore(before)
                    batch.verdicts[first:] = [LINKED_FAILED] * (at - first)
            batch.verdicts.append(verdict)
        for at in range(first, last + 1):
            self.records[self.height, index << 16 | at] = (batch.records[at], batch.verdicts[at])

    KEPT = ("cycles", "nets", "transactions", "returned", "acted_on", "changed_nets")

    def money_state(self):
        accounts = [(list(a.totals), list(a.pending_entries)) for a in self.accounts]
        kept = copy.deepcopy({name: getattr(self, name) for name in self.KEPT})
        return accounts, kept, list(self.rows[TRANSACTIONS])

    def restore(self, state):
        accounts, kept, self.rows[TRANSACTIONS] = state
        for account, (totals, entries) in zip(self.accounts, accounts):
            account.totals, account.pending_entries = totals, entries
        for name, value in kept.items():
            setattr(self, name, value)

    def split_rows(self, table):
        width = {IDS: 20, LIFE: 12, SOURCES: 40, TRANSACTIONS: 18}[table]
        return {row[:width]: row[width:] for row in self.rows[table]}

    def write_pages(self):
        names = ("debits_posted", "credits_posted", "debits_pending", "credits_pending")
        pages, leaves = {}, {}
        for account in self.accounts:
            entries, account.pending_entries = account.pending_entries, []
            if not entries:
                continue
            assert len(entries) <= 4096
            page = f.PAGE_HEAD.pack(
                account=account.number,
                count=len(entries),
                part=0,
                height=self.height,
                previous_height=account.last_page_height,
                limit=account.limit,
                flags=account.flags,
                **dict(zip(names, account.totals)),
            ) + b"".join(entries)
            account.head = f.page_chain(account.head, page)
            account.entries += len(entries)
            account.last_page_height = self.height
            pages[f.be32(account.number) + f.be64(self.height) + f.be16(0)] = page
            leaves[f.be32(account.number)] = account.leaf()
        self.written |= {PAGES: pages, ACCOUNTS: leaves} if pages else {}

    # -- roots --

    def slots(self):
        g = self.genesis
        slots = [f.ZERO] * 32
        parameters = ("delta_ms", "block_interval_ms", "empty_interval_ms", "block_records")
        numbers = [0, 1] + [g[name] for name in parameters]
        slots[0] = f.H("hefu.table", b"".join(map(f.u32, numbers)))
        for table, rows in (
            (PARTICIPANTS, self.participants),
            (LIMITS, self.limits),
            (SERVICES, self.services),
            (SCHEMES, self.schemes),
            (CYCLES, self.cycle_rows()),
            (CYCLE_NETS, self.net_rows()),
        ):
            slots[table] = f.rows_digest(table, rows)
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
            event_count=0,
            record_count=record_count,
            total_records=self.total_records,
            chain_id=self.chain_id,
            parent_hash=self.hashes[-1] if self.hashes else f.ZERO,
            batches_root=f.tree([batch.id for batch in batches]),
            verdicts_root=f.tree([f.verdict_vector_root(batch.verdicts) for batch in batches]),
            accounts_root=f.tree([account.leaf() for account in self.accounts]),
            state_root=f.tree(self.slots()),
            history_root=f.tree(self.hashes),
            events_root=f.ZERO,
            next_validators_hash=self.validators_hash,
        )
        numbers = (self.height, self.timestamp_ms, self.epoch, self.total_records)
        value = f.u32(1) + bytes(4) + b"".join(map(f.u64, numbers))
        value += f.block_hash(self.header) + b"".join(self.slots())
        value += f.u64(len(self.hashes)) + b"".join(f.frontier(self.hashes))
        self.written[STATE] = {b"state": value}
