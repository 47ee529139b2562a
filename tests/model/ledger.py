"""The naive model of the ledger, whole: blocks in, verdicts and rows out (docs/ledger.md, A block).

It shares no code with the C ledger and was written from docs/ledger.md and docs/formats.md.
"""

import hashlib
import struct

import form
import reference
import state as s
from acts import accepted
from actions import Actions
from cycles import net_row

IDS, LIFE, SOURCES, CYCLES, CYCLE_NETS, EVENTS, TRANSACTIONS, ACTIONS, EXPIRY, QUEUE = (
    4, 5, 6, 11, 12, 13, 14, 16, 18, 19,
)  # fmt: skip
OPEN = 31
WIDTHS = {IDS: 20, LIFE: 12, SOURCES: 40, TRANSACTIONS: 18, EXPIRY: 21, QUEUE: 14}
WIDTHS |= {CYCLES: 6, CYCLE_NETS: 10, EVENTS: 12, ACTIONS: 32}
RUNNING = (IDS, LIFE, SOURCES, TRANSACTIONS, ACTIONS, EXPIRY, QUEUE)


class Ledger(Actions):
    def __init__(self, genesis):
        super().__init__(genesis)
        self.times = {0: self.now}
        self.in_chain = self.affirming = False
        self.position = s.NOBODY
        for service in genesis["services"]:
            if service["mode"] == form.DEFERRED:
                cutoff = self.next_cutoff(service, self.now)
                self.open_new((service["number"], 1), self.now, self.now, cutoff)
        self.digests = {table: bytes(32) for table in RUNNING}
        self.digests |= {n: self.static_digest(name) for name, n in reference.TABLES.items()}
        self.digest_cycles()
        self.digests[OPEN] = self.open_digest()

    def block(self, now, batches):
        """batches: (participant, batch id, source or None, part, records) or, of an action, Act;
        the verdicts."""
        self.begin_block(now)
        self.due_events()
        verdicts = []
        for index, batch in enumerate(batches):
            if isinstance(batch, Act):
                verdicts.append([self.action(index, *batch)])
            else:
                verdicts.append(self.batch(index, *batch))
        self.end_block()
        self.update_digests()
        return verdicts

    def begin_block(self, now):
        self.height, self.now = self.height + 1, now
        self.times[self.height] = now
        self.position, self.undo = s.NOBODY, []
        self.begin_lists()
        self.reference_before = {name: dict(getattr(self, name)) for name in reference.TABLES}
        self.begin_actions()

    def end_block(self):
        self.position = s.NOBODY
        self.run_effects()
        self.settle_all()
        self.run_queue()
        self.check()

    def batch(self, index, by, batch_id, source, part, records):
        if source:
            if (by, source, part) in self.sources:
                return [12] * len(records)
            self.sources[by, source, part] = batch_id
            key = struct.pack(">I", by) + source + struct.pack(">I", part)
            self.sources_taken.append(key + batch_id)
        records = [form.Record(data) for data in records]
        verdicts = []
        while len(verdicts) < len(records):
            first = last = len(verdicts)
            while records[last].flags & form.LINKED and last + 1 < len(records):
                last += 1
            verdicts += self.chain(index, first, records[first : last + 1], by, len(records))
        return verdicts

    def chain(self, index, first, records, by, count):
        """Takes effect whole or not at all; a single record is a chain of one."""
        start, failed, verdicts = self.mark(), False, []
        self.in_chain = len(records) > 1
        for at, r in enumerate(records):
            self.position = index << 16 | first + at
            self.place = (self.height, self.position)
            verdict = self.take_id(r, by) or form.form(r, self.in_chain, first + at + 1 == count)
            verdict = verdict or form.authority(self, r, by)
            if failed:
                verdict = verdict or 300
            elif not verdict:
                verdict = self.carry_out(r, by)
            taken_back = verdict > 4 and not failed and self.in_chain
            verdicts.append(verdict)
            if taken_back:
                failed = True
                self.take_back(start)
                verdicts[:at] = [300] * at
                for before in range(at):
                    place = (self.height, index << 16 | first + before)
                    self.records[place] = (records[before], by, 300)
            self.records[self.place] = (r, by, verdict)
        return verdicts

    def carry_out(self, r, by):
        self.at_start = self.mark()
        self.records[self.place] = (r, by, 0)
        verdict = self.act(r, by)
        if not accepted(verdict):
            self.take_back(self.at_start)
        return verdict

    def take_id(self, r, by):
        if r.id == form.NOTHING:
            return 0
        name, hashed = (by, r.id), H(b"hefu.record", r.data)
        if name in self.ids:
            return 10 if self.ids[name][1] == hashed else 11
        self.ids[name] = (self.place, hashed)
        row = struct.pack(">I", by) + r.id + struct.pack("<QI", *self.place) + hashed
        self.ids_taken.append(row)
        return 0

    def check(self):
        """Some invariants of docs/ledger.md, so that the model notices its own mistakes."""
        for currency in self.currencies:
            rows = [t for key, t in self.totals.items() if key[1] == currency]
            assert sum(t[0] for t in rows) == sum(t[1] for t in rows)
            assert sum(t[2] for t in rows) == sum(t[3] for t in rows)
        assert all(self.balance(s.HUB, c, s.NETTING) == 0 for c in self.currencies)

    # -- what the block wrote, as docs/formats.md has it --

    def rows(self):
        """{table: rows, key and value joined, in the order of the table's digest}. Of a removed row
        the value is zero bytes."""
        lives = [life_row(place, self.lives[place]) for place in dict.fromkeys(self.lives_touched)]
        keys = [key_row(key, self.keys[key]) for key in dict.fromkeys(self.keys_touched)]
        swept = [expiry_key(key) + b"\0" for key in self.expiry_swept]
        made = [expiry_key(key) + b"\1" for key in self.expiry_made]
        return {
            IDS: self.ids_taken,
            LIFE: lives,
            SOURCES: self.sources_taken,
            TRANSACTIONS: keys,
            EXPIRY: swept + made,
            QUEUE: self.queue_rows(),
            EVENTS: self.event_rows(),
            CYCLES: [cycle_row(c, self.cycles[c]) for c in sorted(self.cycles_changed)],
            CYCLE_NETS: [net_row(key, self.nets[key]) for key in sorted(self.nets_changed)],
            ACTIONS: self.action_rows(),
        }

    def writes(self):
        """The same as {table: [(key, value or None)]}: None is removed, a put alone is written."""
        out = {}
        for table, rows in self.rows().items():
            split = [(row[: WIDTHS[table]], row[WIDTHS[table] :]) for row in rows]
            put = {key for key, value in split if any(value)}
            split = [(key, value if any(value) else None) for key, value in split]
            out[table] = [row for row in split if row[1] or row[0] not in put]
        for name, table in reference.TABLES.items():
            old, new = self.reference_before[name], getattr(self, name)
            changed = {key: row for key, row in new.items() if old.get(key) != row}
            out[table] = reference.stored(name, changed)
        return out

    def static_digest(self, name):
        rows = reference.stored(name, getattr(self, name))
        return table_digest(reference.TABLES[name], [key + row for key, row in rows])

    def digest_cycles(self):
        waiting = {c: row for c, row in self.cycles.items() if row["state"] != s.SETTLED}
        rows = [cycle_row(c, waiting[c]) for c in sorted(waiting)]
        self.digests[CYCLES] = table_digest(CYCLES, rows)
        is_open = {c for c, row in waiting.items() if row["state"] == s.OPEN}
        nets = sorted(key for key in self.nets if key[:2] in is_open)
        rows = [net_row(key, self.nets[key]) for key in nets]
        self.digests[CYCLE_NETS] = table_digest(CYCLE_NETS, rows)

    def open_digest(self):
        """The validators, who never change here, and the open actions."""
        members = self.genesis["validators"]
        row = struct.pack(">Q", 1) + struct.pack("<I", len(members))
        for member in members:
            row += member["key"] + member["transport_key"]
            row += struct.pack("<I", member["participant"]) + member["name"]
        return table_digest(OPEN, [row] + self.open_action_rows())

    def update_digests(self):
        for table, rows in self.rows().items():
            if table in RUNNING and rows:
                self.digests[table] = H(b"hefu.writes", self.digests[table] + b"".join(rows))
        for name, table in reference.TABLES.items():
            if getattr(self, name) != self.reference_before[name]:
                self.digests[table] = self.static_digest(name)
        if self.cycles_changed or self.nets_changed:
            self.digest_cycles()
        if self.actions_touched:
            self.digests[OPEN] = self.open_digest()

    def queue_rows(self):
        out = []
        for currency in self.currencies:
            old, new = (
                {place: row for place, row in rows.items() if row["currency"] == currency}
                for rows in (self.queue_before, self.queue)
            )
            key = lambda place: struct.pack(">HQI", currency, *place)  # noqa: E731
            gone = [place for place in sorted(old) if new.get(place) != old[place]]
            out += [key(place) + bytes(72) for place in gone]
            changed = [place for place in sorted(new) if new[place] != old.get(place)]
            out += [key(place) + queue_value(new[place]) for place in changed]
        return out

    def event_rows(self):
        return [
            struct.pack(">QI", self.height, number) + event_value(event)
            for number, event in enumerate(self.events)
        ]

    def account_number(self, account, index_of=None):
        holder, currency, kind = account
        count, index = len(self.currencies), self.currencies.index(currency)
        if holder == s.HUB:
            return 4 * index + kind - s.CASH
        at = index_of[holder] if index_of else list(self.participants).index(holder)
        return 4 * count + 4 * (at * count + index) + kind - 1


class Act(tuple):
    """A batch of an action: participant, key_no, batch id, body."""


def table_digest(table, rows):
    return H(b"hefu.table", struct.pack("<II", table, len(rows)) + b"".join(rows))


def H(purpose, data):
    return hashlib.blake2b(data, digest_size=32, person=purpose).digest()


def life_row(place, life):
    parent = life["parent"] or (0, 0)
    value = struct.pack("<HBBI", life["state"], life["heard"], life["flags"], 0)
    numbers = ("due", "returned", "held", "held_fee", "posted")
    value += struct.pack("<5Q", *(life[name] for name in numbers))
    value += struct.pack("<QIIQ", *parent, life["event"][1], life["event"][0])
    return struct.pack(">QI", *place) + value


def key_row(key, place):
    return key[0] + struct.pack(">H", key[1]) + struct.pack("<QII", *place, 0)


def expiry_key(key):
    return struct.pack(">QBQI", *key)


def event_value(e):
    names = ("subject", "cause", "old", "new")
    value = struct.pack("<QI", *e["origin"]) + struct.pack("<4H", *(e[name] for name in names))
    value += struct.pack("<IQIHH", e["by"], e["amount"], e["participant"], e["service"], 0)
    return value + struct.pack("<QI12x", *e["previous"])


def queue_value(row):
    names = "amount interchange payer_fee payee_fee payer payee".split()
    value = struct.pack("<QqqqII", *(row[name] for name in names))
    value += struct.pack("<QIHBB", *row["since"], row["scheme"], row["priority"], 0)
    return value + struct.pack("<QII", *row["event"], 0)


def cycle_row(cycle, row):
    value = struct.pack("<4H", row["state"], row["currency"], row["flags"], 0)
    numbers = ("opened_height", "opened", "closed_height", "closed", "records")
    value += struct.pack("<5Q", *(row[name] for name in numbers))
    value += row["turnover"].to_bytes(16, "little")
    numbers = ("first", "cutoff", "settle", "deadline", "settled_height", "settled")
    value += struct.pack("<6Q", *(row[name] for name in numbers))
    return struct.pack(">HI", *cycle) + value + row["nets_hash"]
