"""Actions, evidence and epochs for the example chain: the second implementation's part of them.

Written from docs/formats.md and docs/ledger.md. It knows the actions of the example chain: a change
of validators, its approval by a quorum, READY, the terminal block, and evidence.
"""

import hefu_formats as f

APPROVE, DISAPPROVE, CHANGE, READY = 1, 2, 3, 4
ADD, REMOVE, REPLACE = 1, 2, 3
POSTED, EXISTS = 0, 10
ANSWERED_BEFORE = 322
PROPOSED, APPROVED, DONE, OVERTAKEN = 1, 2, 3, 6
VALIDATORS, ACTIONS, EVIDENCE, OPEN = 15, 16, 17, 31
LAPSE_MS = 7 * 86400 * 1000


def key_no_of(key):
    return 2**31 + int.from_bytes(key[:4], "little") % 2**31


def head(kind):
    return f.ACTION_HEAD.pack(version=1, kind=kind)


def answer(kind, action_id):
    return head(kind) + action_id


def change_of_validators(epoch, changes):
    empty = {"participant": 0, "old_key": b"", "key": b"", "transport_key": b"", "name": b""}
    packed = [f.CHANGE.pack(**(empty | change)) for change in changes]
    return head(CHANGE) + f.u64(epoch) + f.u32(len(packed)) + bytes(4) + b"".join(packed)


def evidence(first, second):
    """Two votes as in the votes table."""
    name = lambda vote: (vote[:2], vote[24:32][::-1], vote[32:64])  # noqa: E731
    return f.u16(1) + bytes(6) + b"".join(sorted((first, second), key=name))


class Action:
    def __init__(self, batch, place, now):
        self.id, self.body, self.place = batch.id, batch.body, place
        self.participant, self.key_no = batch.participant, batch.key_no
        self.state, self.proposed_ms, self.ended, self.ready, self.answers = 1, now, (0, 0), 0, []
        count = int.from_bytes(self.body[16:20], "little")
        bodies = [self.body[24 + 136 * i : 160 + 136 * i] for i in range(count)]
        self.changes = bodies

    def value(self):
        value = f.ACTION_ROW.pack(
            state=self.state,
            kind=CHANGE,
            participant=self.participant,
            key_no=self.key_no,
            position=self.place[1],
            height=self.place[0],
            proposed_ms=self.proposed_ms,
            lapse_ms=self.proposed_ms + LAPSE_MS,
            ended_height=self.ended[0],
            ended_ms=self.ended[1],
            ready=self.ready,
            answer_count=len(self.answers),
            body_length=len(self.body),
        )
        return value + b"".join(b"".join(map(f.u32, a)) for a in self.answers) + self.body

    def new_keys(self):
        ops = [(f.CHANGE.number(c, "op"), c) for c in self.changes]
        return [f.CHANGE.at(c, "key") for op, c in ops if op != REMOVE]


class Governance:
    """The part of the ledger that follows actions; mixed into hefu_chain.Ledger."""

    def begin_governance(self):
        self.members = [dict(v) for v in self.genesis["validators"]]
        self.next_epoch, self.actions, self.offences = 1, [], {}
        self.action_digest = self.evidence_digest = f.ZERO
        self.written |= {VALIDATORS: self.validator_rows()}

    @property
    def validators_hash(self):
        members = [(v["key"], v["transport_key"], v["participant"]) for v in self.members]
        return f.validator_set_hash(members)

    def validator_rows(self):
        fields = ("key", "transport_key")
        rows = f.u32(len(self.members))
        for v in self.members:
            rows += b"".join(v[name] for name in fields) + f.u32(v["participant"])
            rows += v["name"].encode().ljust(32, b"\0")
        return {f.be64(self.next_epoch): rows}

    def open_digest(self):
        rows = [key + value for key, value in self.validator_rows().items()]
        rows += [a.id + a.value() for a in self.actions if a.state <= APPROVED]
        return f.H("hefu.table", f.u32(OPEN) + f.u32(len(rows)) + b"".join(rows))

    def governance_slots(self, slots):
        slots[VALIDATORS] = self.validators_hash
        slots[ACTIONS], slots[EVIDENCE] = self.action_digest, self.evidence_digest
        slots[OPEN] = self.open_digest()

    def owned(self, participant):
        return sum(v["participant"] == participant for v in self.members)

    def execute_action(self, index, batch):
        place = (self.height, index << 16)
        kind = f.ACTION_HEAD.number(batch.body, "kind")
        if kind == CHANGE:
            self.actions.append(Action(batch, place, self.timestamp_ms))
            self.touched.append(self.actions[-1])
            batch.verdicts = [POSTED]
            return
        action = next(a for a in self.actions if a.id == batch.body[8:40])
        batch.verdicts = [self.answer(action, batch, kind)]
        if batch.verdicts == [POSTED] and action not in self.touched:
            self.touched.append(action)

    def answer(self, action, batch, kind):
        if kind == READY:
            action.ready |= 1 << action.new_keys().index(batch.key)
            return POSTED
        if batch.participant in [a[0] for a in action.answers]:
            return ANSWERED_BEFORE
        assert kind == APPROVE and self.owned(batch.participant)
        action.answers.append((batch.participant, batch.key_no, 1))
        owners = {action.participant} | {a[0] for a in action.answers}
        if sum(map(self.owned, owners)) >= f.quorum(len(self.members)):
            action.state = APPROVED
        return POSTED

    def execute_evidence(self, index, batch):
        first, second = batch.body[8:136], batch.body[136:]
        kinds = 256 * f.VOTE_ROW.number(first, "kind") + f.VOTE_ROW.number(second, "kind")
        number = lambda name: f.VOTE_ROW.number(first, name)  # noqa: E731
        key = f.be64(number("epoch")) + f.be64(number("view")) + f.be32(number("signer"))
        key += f.be16(kinds)
        batch.verdicts = [EXISTS if key in self.offences else POSTED]
        if key not in self.offences:
            self.offences[key] = batch.id + f.u64(self.height) + f.u32(index << 16) + bytes(4)
            self.new_offences.append(key)

    def begin_block_of_actions(self):
        self.touched, self.new_offences, self.terminal = [], [], False

    def finish_actions(self):
        for action in self.actions:
            full = (1 << len(action.new_keys())) - 1
            if action.state == APPROVED and action.ready == full:
                self.terminal = True
                self.end(action, DONE)
                self.change(action)
        for action in self.actions:
            if self.terminal and action.state <= APPROVED:
                self.end(action, OVERTAKEN)
        rows = [a.id + a.value() for a in self.actions if a in self.touched]
        self.action_digest = f.writes_digest(self.action_digest, rows)
        offences = [key + self.offences[key] for key in self.new_offences]
        self.evidence_digest = f.writes_digest(self.evidence_digest, offences)
        if rows:
            self.written[ACTIONS] = {a.id: a.value() for a in self.touched}
        if offences:
            self.written[EVIDENCE] = {key: self.offences[key] for key in self.new_offences}
        if self.terminal:
            self.written[VALIDATORS] = self.validator_rows()

    def enter(self, validators):
        """A root block brings those of its document."""
        self.terminal = True
        self.next_epoch += 1
        self.members = [dict(v) for v in validators]

    def end(self, action, state):
        action.state, action.ended = state, (self.height, self.timestamp_ms)
        if action not in self.touched:
            self.touched.append(action)

    def change(self, action):
        self.next_epoch += 1
        old, self.members, added = self.members, [], []
        by_key = {}
        for change in action.changes:
            fields = {n: f.CHANGE.at(change, n) for n in ("key", "transport_key", "name")}
            fields["name"] = fields["name"].rstrip(b"\0").decode()
            if f.CHANGE.number(change, "op") == ADD:
                added.append(fields | {"participant": f.CHANGE.number(change, "participant")})
            else:
                by_key[f.CHANGE.at(change, "old_key")] = (f.CHANGE.number(change, "op"), fields)
        for member in old:
            op, fields = by_key.get(member["key"], (None, None))
            if op == REPLACE:
                name = fields["name"] or member["name"]
                member = member | fields | {"name": name}
            if op != REMOVE:
                self.members.append(member)
        self.members += added
