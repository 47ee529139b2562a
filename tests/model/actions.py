"""How an action goes from a proposal to its effect in the naive model (docs/ledger.md, Actions).

Changes of validators and evidence are not in the model: who tests with it files none.
"""

import struct

import reference
from effects import Effects

APPROVE, DISAPPROVE, VALIDATORS, READY = 1, 2, 3, 4
FIRST, LAST = 5, 12
PROPOSED, APPROVED, DONE, REFUSED, LAPSED, OVERTAKEN = range(1, 7)
OPEN = (PROPOSED, APPROVED)
YES, NO = 1, 2
OPEN_MAX, OWN_MAX, ANSWERS_MAX = 256, 16, 130
VERSION, HEAD = 1, 8


def head_of(body):
    """Verdict and kind. Of proposals the rest is looked at later."""
    if len(body) < HEAD:
        return 150, None
    version, kind, reserved = struct.unpack_from("<HHI", body)
    if version != VERSION:
        return 150, None
    if not APPROVE <= kind <= LAST:
        return 101, None
    if reserved or (kind < FIRST and len(body) != HEAD + 32):
        return 150, None
    return 0, kind


class Actions(Effects):
    def __init__(self, genesis):
        super().__init__(genesis)
        self.actions, self.actions_touched, self.approved_now = {}, {}, []

    def begin_actions(self):
        """Step 1: what is over lapses."""
        self.actions_touched, self.approved_now = {}, []
        for name, row in self.actions.items():
            if row["state"] in OPEN and row["lapse"] <= self.now:
                self.end_action(name, LAPSED)

    def change_action(self, name, **values):
        self.put(self.actions, name, self.actions.get(name, {}) | values)
        self.put(self.actions_touched, name, True)

    def end_action(self, name, state):
        self.change_action(name, state=state, ended_height=self.height, ended=self.now)

    def policy(self, kind):
        return self.parameter("policies")[kind - FIRST]

    def may(self, by, roles):
        return self.participants[by]["roles"] & roles != 0

    def public_key(self, participant, key_no):
        """As it reads now; None: it is gone."""
        for key in self.participants[participant]["keys"]:
            if key["key_no"] == key_no and not reference.is_removed(key):
                return key["key"]
        return None

    # -- a batch --

    def action(self, index, by, key_no, batch_id, body):
        verdict, kind = head_of(body)
        if verdict:
            return verdict
        assert kind != VALIDATORS
        by_validator = key_no >= reference.VALIDATOR_KEYS
        if by_validator != (kind == READY):
            return 220
        if kind >= FIRST:
            return self.propose(index, by, key_no, batch_id, kind, body)
        name = body[HEAD:]
        row = self.actions.get(name)
        if row is None:
            return 320
        if row["state"] not in OPEN:
            return 321
        if kind == READY:
            return 224
        if len(row["answers"]) == ANSWERS_MAX:
            return 321
        answer = self.approve if kind == APPROVE else self.disapprove
        return answer(name, row, by, key_no)

    def propose(self, index, by, key_no, batch_id, kind, body):
        policy = self.policy(kind)
        if not self.may(by, policy["proposers"]):
            return 221
        verdict = self.effect_verdict(kind, body[HEAD:])
        if verdict:
            return verdict
        waiting = [row["participant"] for row in self.actions.values() if row["state"] in OPEN]
        if len(waiting) >= OPEN_MAX:
            return 323
        if waiting.count(by) >= OWN_MAX:
            return 324
        self.change_action(
            batch_id,
            state=PROPOSED,
            kind=kind,
            participant=by,
            key_no=key_no,
            position=index << 16,
            height=self.height,
            proposed=self.now,
            lapse=self.now + 1000 * policy["lapse_s"],
            ended_height=0,
            ended=0,
            answers=(),
            body=body,
        )
        self.approve_if_enough(batch_id)
        return 0

    def approve_if_enough(self, name):
        row = self.actions[name]
        behind = 1 + sum(reply == YES for _, _, reply in row["answers"])
        if row["state"] == PROPOSED and behind >= self.policy(row["kind"])["approvals"]:
            self.change_action(name, state=APPROVED)
            self.approved_now.append(name)

    def approve(self, name, row, by, key_no):
        if not self.may(by, self.policy(row["kind"])["approvers"]):
            return 222
        behind = [(row["participant"], row["key_no"])]
        behind += [answer[:2] for answer in row["answers"] if answer[2] == YES]
        if self.public_key(by, key_no) in [self.public_key(*one) for one in behind]:
            return 322
        if any(participant == by for participant, _, _ in row["answers"]):
            return 322
        self.change_action(name, answers=row["answers"] + ((by, key_no, YES),))
        self.approve_if_enough(name)
        return 0

    def disapprove(self, name, row, by, key_no):
        answers = row["answers"]
        if by != row["participant"]:
            if not self.may(by, self.policy(row["kind"])["approvers"]):
                return 222
            if any((participant, reply) == (by, NO) for participant, _, reply in answers):
                return 322
        refusal = (by, key_no, NO)
        before = [answer for answer in answers if answer[0] == by]
        if before and by != row["participant"]:
            answers = tuple(refusal if answer[0] == by else answer for answer in answers)
        else:
            answers += (refusal,)
        self.change_action(name, answers=answers)
        self.end_action(name, REFUSED)
        return 0

    # -- step 3 --

    def run_effects(self):
        for name in self.approved_now:
            row = self.actions[name]
            if row["state"] == APPROVED:
                fits = self.take_effect(row["kind"], row["body"][HEAD:])
                self.end_action(name, DONE if fits else OVERTAKEN)

    # -- rows --

    def in_places(self, names):
        rows = [(name, self.actions[name]) for name in names]
        rows.sort(key=lambda pair: (pair[1]["height"], pair[1]["position"]))
        return [name + action_value(row) for name, row in rows]

    def action_rows(self):
        return self.in_places(self.actions_touched)

    def open_action_rows(self):
        return self.in_places(n for n, row in self.actions.items() if row["state"] in OPEN)


def action_value(row):
    names = "state kind participant key_no position height proposed lapse ended_height ended"
    value = struct.pack("<HHIIIQQQQQ", *(row[name] for name in names.split()))
    value += struct.pack("<III12x", 0, len(row["answers"]), len(row["body"]))
    return value + b"".join(struct.pack("<III", *answer) for answer in row["answers"]) + row["body"]
