"""What each kind of record does in the naive model: docs/ledger.md, Lives, Waiting, Disputes.

Every act is a method that returns a verdict; one above 4 (and no exception) means that whatever it
did is taken back by the caller.
"""

import form
import state as s
from state import State, positive

ON = {
    form.AFFIRM: {form.CLEAR, form.PAY, form.REVERSE, form.DEFUND, form.UNPLEDGE},
    form.REVERSE: {form.CLEAR, form.CAPTURE, form.PAY},
    form.REFUND: {form.CLEAR, form.CAPTURE, form.PAY},
    form.CAPTURE: {form.HOLD},
    form.RELEASE: {form.HOLD},
    form.CANCEL: {form.PAY},
    form.REPRIORITISE: {form.PAY},
    form.CHARGEBACK: {form.CLEAR, form.CAPTURE},
}
ON[form.REJECT] = ON[form.AFFIRM]
for _step in range(form.ACCEPT, form.RULE + 1):
    ON[_step] = {form.CHARGEBACK}

STATES = {
    form.AFFIRM: {s.WAITING, s.EXCEPTION},
    form.REJECT: {s.WAITING, s.EXCEPTION},
    form.REVERSE: {s.WAITING, s.EXCEPTION, s.POSTED},
    form.REFUND: {s.POSTED},
    form.CAPTURE: {s.HELD},
    form.RELEASE: {s.HELD},
    form.CANCEL: {s.QUEUED},
    form.REPRIORITISE: {s.QUEUED},
    form.CHARGEBACK: {s.POSTED},
}
STAGES = {
    form.ACCEPT: {s.CHARGED_BACK, s.PRE_ARBITRATED},
    form.REPRESENT: {s.CHARGED_BACK},
    form.PRE_ARBITRATE: {s.REPRESENTED},
    form.WITHDRAW: {s.CHARGED_BACK, s.REPRESENTED, s.PRE_ARBITRATED, s.IN_ARBITRATION},
    form.DECLINE: {s.PRE_ARBITRATED},
    form.RULE: {s.IN_ARBITRATION},
}
COMPARED = "payer payee amount interchange payer_fee payee_fee business_date".split()


def accepted(verdict):
    return verdict <= 4 or 20 <= verdict <= 26


class Acts(State):
    def act(self, r, by):
        """The verdict of a record that is well formed and permitted."""
        self.before = len(self.undo)
        self.extra = set()
        acts = {
            form.CLEAR: self.clear,
            form.HOLD: self.hold,
            form.PAY: self.pay,
            form.FEE: self.fee,
            form.FUND: self.fund,
            form.DEFUND: self.defund,
            form.PLEDGE: self.pledge,
            form.UNPLEDGE: self.unpledge,
            form.CONTRIBUTE: self.contribute,
        }
        if r.kind in acts:
            return acts[r.kind](r, by)
        verdict, place = self.find(r, by)
        if verdict:
            return verdict
        return self.on(r, by, place)

    def limits_of(self, only_positive=False):
        """POSTED, or the lowest verdict about money."""
        verdicts = self.limit_verdicts(self.before, only_positive) | self.extra
        return min(verdicts) if verdicts else 0

    # -- records that begin something --

    def key_taken(self, r):
        return self.keys.get((r.match_key, r.scheme)) if r.match_key != form.NOTHING else None

    def take_key(self, r, place):
        if r.match_key != form.NOTHING:
            self.put(self.keys, (r.match_key, r.scheme), place)
            self.keys_touched.append((r.match_key, r.scheme))

    def filed_fees(self, r, by, original=None):
        """404 and 405, which only the filing of a record meets."""
        scheme = self.schemes[r.scheme]
        if r.kind in (form.CLEAR, form.CAPTURE, form.PAY) and form.fees_differ(scheme, r):
            self.extra.add(405)
        if r.kind not in (form.PAY, form.REFUND):
            return
        gains = {r.payer: 0, r.payee: 0, scheme["network"]: 0}
        for _, debited, credited, size in self.legs_of(r, refund=r.kind == form.REFUND):
            gains[debited] -= size
            gains[credited] += size
        network = scheme["network"]
        holds = gains[r.payee if r.kind == form.PAY else r.payer] >= 0
        if r.kind == form.REFUND and by != r.payee:
            holds = holds and gains[r.payee] >= -r.amount
        if network and by != network and network not in (r.payer, r.payee):
            bound = 0
            if r.kind == form.REFUND:
                bound = positive(original.payer_fee + original.payee_fee)
            whole = original.amount if original else 1
            holds = holds and -gains[network] * whole <= bound * r.amount
        if not holds:
            self.extra.add(404)

    def clear(self, r, by):
        two = self.schemes[r.scheme]["confirmations"] == 2
        x = self.key_taken(r)
        if x is not None:
            return self.second(r, by, self.follow(x))
        self.filed_fees(r, by)
        if two:
            return self.half(r, by)
        self.take_key(r, self.place)
        self.post_legs(r, self.legs_of(r))
        return self.limits_of()

    def due_of(self, r, scheme_timeout):
        seconds = r.timeout_s or scheme_timeout
        return self.now + 1000 * seconds if seconds else 0

    def half(self, r, by):
        """1: the key is free, or there is none."""
        self.take_key(r, self.place)
        sides = self.sides(r, by)
        held, fee = self.reserve_half(r, sides)
        due = self.due_of(r, self.schemes[r.scheme]["match_timeout_s"])
        self.begin_life(
            self.place, state=s.WAITING, heard=sides, due=due, held=held, held_fee=fee
        )
        return self.limits_of() or 1

    def reserve_half(self, r, sides):
        if not sides & (form.PAYER | form.NETWORK):
            return 0, 0
        self.reserve_of(r, r.amount, positive(r.payer_fee))
        return r.amount, positive(r.payer_fee)

    def follow(self, place):
        while self.life(place)["state"] == s.LINKED:
            place = self.life(place)["parent"]
        return place

    def is_due(self, life):
        waits = life["state"] in (s.WAITING, s.EXCEPTION, s.HELD, s.QUEUED)
        return waits and life["due"] and self.now >= life["due"]

    def first_difference(self, r, other):
        for number, name in enumerate(COMPARED, 20):
            if getattr(r, name) != getattr(other, name):
                return number
        return 0

    def second(self, r, by, x):
        """2 to 6: the key names X."""
        other = self.records[x][0]
        if other.kind != form.CLEAR:
            return 306
        life, sides = self.life(x), self.sides(other, by)
        if not sides:
            return 330
        y = life["parent"] if life["state"] == s.EXCEPTION else None
        heard = life["heard"] | (self.life(y)["heard"] if y else 0)
        if sides & ~heard == 0:
            return 306
        if life["state"] in s.ENDED or self.is_due(life):
            return 333
        differs = self.first_difference(r, other)
        if life["state"] == s.POSTED:
            if differs:
                return 332
            self.change_life(x, form.CLEAR, other.amount, heard=life["heard"] | sides)
            self.begin_life(self.place, state=s.LINKED, heard=self.sides(r, by), parent=x)
            return 4
        if life["state"] == s.WAITING:
            if differs:
                return self.except_halves(r, by, x, differs)
            return self.match(r, by, x, None)
        if not differs:
            return self.match(r, by, x, y)
        if not self.first_difference(r, self.records[y][0]):
            return self.match(r, by, y, x)
        return 331

    def match(self, r, by, stands, other):
        if form.fees_differ(self.schemes[r.scheme], r):
            self.extra.add(405)
        self.post_waiting(stands, form.CLEAR, self.sides(r, by), other)
        if self.keys[r.match_key, r.scheme] != stands:
            self.take_key(r, stands)
        self.begin_life(self.place, state=s.LINKED, heard=self.sides(r, by), parent=stands)
        return self.limits_of() or 3

    def post_waiting(self, place, cause, sides, other=None):
        """O posts: reserves freed first (in an exception the other half's too), then its legs."""
        life, r = self.life(place), self.records[place][0]
        self.free_all(place)
        if other:
            self.free_all(other)
        self.post_legs(r, self.legs_of(r))
        self.posted_life(place, cause, life["heard"] | sides)
        if other:
            linked = {"state": s.LINKED, "due": 0, "held": 0, "held_fee": 0, "parent": place}
            self.change_life(other, cause, self.records[other][0].amount, **linked)

    def posted_life(self, place, cause, heard, by=None):
        amount = self.records[place][0].amount
        values = {"state": s.POSTED, "posted": self.now, "due": 0, "held": 0, "held_fee": 0}
        return self.change_life(place, cause, amount, by, heard=heard, **values)

    def except_halves(self, r, by, x, differs):
        if self.in_chain:
            return 332
        life, sides = self.life(x), self.sides(r, by)
        held, fee = (0, 0) if life["held"] else self.reserve_half(r, sides)
        self.filed_fees(r, by)
        self.change_life(
            x, form.CLEAR, self.records[x][0].amount, state=s.EXCEPTION, parent=self.place
        )
        self.begin_life(
            self.place,
            swept=False,
            state=s.EXCEPTION,
            heard=sides,
            due=life["due"],
            held=held,
            held_fee=fee,
            parent=x,
        )
        return self.limits_of() or differs

    def hold(self, r, by):
        if self.key_taken(r) is not None:
            return 306
        self.take_key(r, self.place)
        fee = positive(r.payer_fee)
        self.reserve_of(r, r.amount, fee)
        due = self.due_of(r, self.schemes[r.scheme]["hold_timeout_s"])
        sides = self.sides(r, by)
        self.begin_life(self.place, state=s.HELD, heard=sides, due=due, held=r.amount, held_fee=fee)
        return self.limits_of() or 1

    def pay(self, r, by):
        if self.key_taken(r) is not None:
            return 306
        self.take_key(r, self.place)
        self.filed_fees(r, by)
        sides, scheme = self.sides(r, by), self.schemes[r.scheme]
        own = [row for row in self.queue.values() if row["currency"] == r.currency]
        own = [row for row in own if row["payer"] == r.payer]
        if any(row["priority"] >= r.priority for row in own):
            self.extra.add(412)
        if scheme["confirmations"] == 2:
            fee = positive(r.payer_fee)
            self.reserve_of(r, r.amount, fee)
            due = self.due_of(r, scheme["match_timeout_s"])
            values = {"heard": sides, "due": due, "held": r.amount, "held_fee": fee}
            self.begin_life(self.place, state=s.WAITING, **values)
            return self.limits_of() or 1
        mark = self.mark()
        self.post_legs(r, self.legs_of(r))
        verdict = self.limits_of()
        if not verdict or not r.flags & form.QUEUE or self.in_chain:
            return verdict
        self.take_back(mark)
        if self.extra & {404, 405}:
            return min(self.extra & {404, 405})
        return self.enqueue(r, sides, own)

    def enqueue(self, r, sides, own):
        queued = [row for row in self.queue.values() if row["currency"] == r.currency]
        if len(queued) >= self.parameter("queue_max"):
            return 413
        if len(own) >= self.parameter("queue_quota"):
            return 414
        fields = "currency scheme amount interchange payer_fee payee_fee payer payee priority"
        row = {name: getattr(r, name) for name in fields.split()}
        self.put(self.queue, self.place, row | {"since": self.place, "event": (0, 0)})
        due = self.now + 1000 * r.timeout_s if r.timeout_s else 0
        self.begin_life(self.place, state=s.QUEUED, heard=sides, due=due)
        return 2

    def fee(self, r, by):
        if self.key_taken(r) is not None:
            return 306
        self.take_key(r, self.place)
        self.post_legs(r, [(0, r.payer, r.payee, r.amount)])
        return self.limits_of()

    def own_account(self, r, kind):
        return (r.payer, r.currency, kind)

    def hub(self, r, kind):
        return (s.HUB, r.currency, kind)

    def fund(self, r, by):
        if self.key_taken(r) is not None:
            return 306
        self.take_key(r, self.place)
        self.leg(0, self.hub(r, s.CASH), (r.payee, r.currency, s.SETTLEMENT), r.amount)
        return 0

    def defund(self, r, by):
        if self.key_taken(r) is not None:
            return 306
        self.take_key(r, self.place)
        self.leg(0, self.own_account(r, s.SETTLEMENT), self.hub(r, s.PAYOUT), r.amount)
        self.begin_life(self.place, state=s.WAITING, heard=form.PAYER)
        return self.limits_of() or 1

    def pledge(self, r, by):
        one, other = self.own_account(r, s.SETTLEMENT), self.own_account(r, s.COLLATERAL)
        self.leg(0, one, other, r.amount)
        return self.limits_of(only_positive=True)

    def unpledge(self, r, by):
        self.reserve_of(r, r.amount, 0)
        self.begin_life(self.place, state=s.WAITING, heard=form.PAYER, held=r.amount)
        return self.limits_of() or 1

    def contribute(self, r, by):
        source, claim = self.own_account(r, s.SETTLEMENT), self.own_account(r, s.CLAIM)
        owed = min(r.amount, -self.balance(*claim))
        self.leg(0, source, claim, owed)
        self.leg(0, source, self.hub(r, s.FUND), r.amount - owed)
        return self.limits_of()

    # -- acts on a record --

    def find(self, r, by):
        """301 to 304 and the record found, LINKED followed."""
        taken = self.ids.get((r.ref_participant or by, r.ref))
        if taken is None:
            return 301, None
        place = taken[0]
        if place == self.place:
            return 302, None
        _, _, verdict = self.records[place]
        if not accepted(verdict):
            return 302, None
        return 0, self.follow(place)

    def on(self, r, by, place):
        """Everything from 303 on. r may be a REVERSE that was filed earlier."""
        o, life = self.records[place][0], self.life(place)
        if o.kind not in ON[r.kind]:
            return 303
        sides = ("payer", "payee", "scheme", "currency")
        if any(getattr(r, name) != getattr(o, name) for name in sides):
            return 304
        if r.match_key not in (form.NOTHING, o.match_key):
            return 304
        if life["state"] in s.ENDED:
            return 336 if life["state"] == s.EXPIRED else 335
        if self.is_due(life):
            return 336
        if r.kind == form.REVERSE and o.kind == form.PAY and life["state"] == s.POSTED:
            return 303
        if form.ACCEPT <= r.kind <= form.RULE:
            return self.step(r, by, place, o, life)
        states = STATES[r.kind]
        confirms = r.kind == form.AFFIRM and o.kind == form.CLEAR and life["state"] == s.POSTED
        if life["state"] not in states and not confirms:
            answers = (form.AFFIRM, form.REJECT, form.CANCEL, form.REPRIORITISE)
            return 334 if r.kind in answers else 302
        acts = {
            form.AFFIRM: self.answer,
            form.REJECT: self.answer,
            form.REVERSE: self.reverse,
            form.REFUND: self.refund,
            form.CAPTURE: self.capture,
            form.RELEASE: self.release,
            form.CANCEL: self.cancel,
            form.REPRIORITISE: self.reprioritise,
            form.CHARGEBACK: self.chargeback,
        }
        return acts[r.kind](r, by, place, o, life)

    def answer(self, r, by, place, o, life):
        sides = self.sides(o, by)
        roles = self.participants[by]["roles"]
        if o.kind == form.CLEAR:
            if not sides:
                return 342
            if sides & ~life["heard"] == 0:
                return 341
        elif o.kind in (form.PAY, form.REVERSE):
            if not sides & form.PAYEE:
                return 342
        elif not roles & (form.AGENT if o.kind == form.DEFUND else form.OPERATOR):
            return 342
        if r.kind == form.REJECT:
            return self.reject(o, place, life)
        if life["state"] == s.POSTED:
            self.change_life(place, form.AFFIRM, o.amount, heard=life["heard"] | sides)
            return 4
        if o.kind == form.CLEAR or o.kind == form.PAY:
            other = life["parent"] if life["state"] == s.EXCEPTION else None
            self.post_waiting(place, form.AFFIRM, sides, other)
            return self.limits_of()
        if o.kind == form.REVERSE:
            return self.affirm_reverse(o, place, life, sides)
        if o.kind == form.DEFUND:
            self.leg(0, self.hub(o, s.PAYOUT), self.hub(o, s.CASH), o.amount)
        else:
            self.free_all(place)
            one, other = self.own_account(o, s.COLLATERAL), self.own_account(o, s.SETTLEMENT)
            self.leg(0, one, other, o.amount)
        self.posted_life(place, form.AFFIRM, life["heard"] | sides)
        return self.limits_of()

    def reject(self, o, place, life):
        other = life["parent"] if life["state"] == s.EXCEPTION else None
        if o.kind == form.DEFUND:
            self.leg(0, self.hub(o, s.PAYOUT), self.own_account(o, s.SETTLEMENT), o.amount)
        self.end(place, s.REJECTED, form.REJECT)
        if other:
            self.end(other, s.REJECTED, form.REJECT)
        return 0

    def affirm_reverse(self, reverse, place, life, sides):
        at = self.follow(life["parent"])
        self.posted_life(place, form.AFFIRM, life["heard"] | sides)
        self.affirming = True
        verdict = self.on(reverse, self.records[place][1], at)
        self.affirming = False
        return verdict

    def reverse(self, r, by, place, o, life):
        """Filed now, or (affirming) carried out now, which the payee affirmed."""
        affirming = self.affirming
        cause = form.AFFIRM if affirming else form.REVERSE
        sides = self.sides(o, by)
        waits = not affirming and not sides & (form.PAYEE | form.NETWORK)
        if life["state"] == s.POSTED:
            if life["returned"]:
                return 337
            if life["flags"] & s.DISPUTED:
                return 338
            cycle = self.cycles[self.open_cycle(self.of_scheme(o)[0]["service"])]
            if life["posted"] < cycle["first"]:
                self.extra.add(500)
        if waits:
            if self.extra:
                return 500
            seconds = self.schemes[r.scheme]["match_timeout_s"]
            due = self.now + 1000 * seconds if seconds else 0
            values = {"heard": sides, "due": due, "parent": place}
            self.begin_life(self.place, state=s.WAITING, **values)
            return 1
        if not affirming:
            done = {"heard": sides, "posted": self.now, "parent": place}
            self.begin_life(self.place, state=s.POSTED, **done)
        if life["state"] == s.POSTED:
            self.post_legs(o, self.legs_of(o, back=True))
            self.end(place, s.REVERSED, cause)
            return self.limits_of()
        self.end(place, s.REVERSED, cause)
        if life["state"] == s.EXCEPTION:
            self.end(life["parent"], s.REVERSED, cause)
        return 0

    def refund(self, r, by, place, o, life):
        if r.amount > o.amount - life["returned"]:
            return 305
        self.filed_fees(r, by, o)
        self.post_legs(r, self.legs_of(r, refund=True))
        self.change_life(place, form.REFUND, r.amount, returned=life["returned"] + r.amount)
        return self.limits_of()

    def capture(self, r, by, place, o, life):
        fee = positive(r.payer_fee)
        if r.amount > life["held"] or fee > life["held_fee"]:
            return 305
        self.filed_fees(r, by)
        held, held_fee = life["held"] - r.amount, life["held_fee"] - fee
        values = {"returned": life["returned"] + r.amount, "held": held, "held_fee": held_fee}
        if r.flags & form.FINAL or held == 0:
            self.free_all(place)
            values |= {"state": s.CAPTURED, "due": 0, "held": 0, "held_fee": 0}
        else:
            self.reserve_of(o, -r.amount, -fee)
        self.post_legs(r, self.legs_of(r))
        self.change_life(place, form.CAPTURE, r.amount, **values)
        return self.limits_of()

    def release(self, r, by, place, o, life):
        self.end(place, s.RELEASED, form.RELEASE)
        return 0

    def cancel(self, r, by, place, o, life):
        self.end(place, s.CANCELLED, form.CANCEL)
        return 0

    def reprioritise(self, r, by, place, o, life):
        row = self.queue[place]
        if row["priority"] != r.priority:
            row = row | {"priority": r.priority, "since": self.place}
            self.put(self.queue, place, row)
        self.change_life(place, form.REPRIORITISE, o.amount)
        return 0

    # -- disputes --

    def dispute_leg(self, r, amount, to_payer):
        one, other = (r.payee, r.payer) if to_payer else (r.payer, r.payee)
        self.post_legs(r, [(0, one, other, amount)])

    def due_in(self, seconds):
        return self.now + 1000 * seconds if seconds else 0

    def chargeback(self, r, by, place, o, life):
        scheme = self.schemes[r.scheme]
        if self.now >= life["posted"] + 1000 * scheme["chargeback_s"]:
            return 340
        if r.amount > o.amount - life["returned"]:
            return 305
        if life["flags"] & s.DISPUTED:
            return 338
        self.dispute_leg(r, r.amount, True)
        represent = scheme["represent_s"]
        self.begin_life(
            self.place,
            state=s.CHARGED_BACK if represent else s.STANDS,
            heard=self.sides(r, by),
            due=self.due_in(represent),
            parent=place,
        )
        returned, flags = life["returned"] + r.amount, life["flags"] | s.DISPUTED
        self.change_life(place, form.CHARGEBACK, r.amount, returned=returned, flags=flags)
        return 0

    def step(self, r, by, place, o, life):
        """o is the CHARGEBACK, its parent what was charged back."""
        scheme, at = self.schemes[r.scheme], life["state"]
        if at not in STAGES[r.kind]:
            return 339
        if life["due"] and self.now >= life["due"]:
            return 340
        parent = life["parent"]
        original, whole = self.life(parent), self.records[parent][0].amount
        state, due, to_payer = s.STANDS, 0, None
        if r.kind == form.REPRESENT:
            more = scheme["pre_arbitrate_s"]
            state, due, to_payer = s.REPRESENTED if more else s.DROPPED, more, False
        elif r.kind == form.PRE_ARBITRATE:
            if o.amount > whole - original["returned"]:
                return 305
            state, due, to_payer = s.PRE_ARBITRATED, scheme["answer_s"], True
        elif r.kind == form.WITHDRAW:
            state, to_payer = s.DROPPED, None if at == s.REPRESENTED else False
        elif r.kind == form.DECLINE:
            state, due = s.IN_ARBITRATION, scheme["rule_s"]
        elif r.kind == form.RULE and not r.flags & form.OUTCOME:
            state, to_payer = s.DROPPED, False
        moved = 0 if to_payer is None else o.amount
        if moved:
            self.dispute_leg(o, moved, to_payer)
        self.change_life(place, r.kind, moved, state=state, due=self.due_in(due))
        if moved:
            returned = original["returned"] + (moved if to_payer else -moved)
            self.change_life(parent, r.kind, moved, returned=returned)
        return 0
