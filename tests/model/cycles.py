"""Cycles of the naive model: cut-offs, calendars, closing, settlement, default (docs/ledger.md,
Cycles), and the queue (docs/ledger.md, Queue)."""

import datetime
import hashlib
import struct

import form
import state as s
from acts import Acts
from state import positive

CUTOFF, FUNDING, DISPUTE, EXPIRY = 1, 2, 3, 4
EXPIRED, SILENCE, CUT, OVERDUE, INSTRUCTED, SETTLED, SHORT = range(100, 107)
DEFAULTED, RELEASE, OFFSET, ACTION = range(107, 111)
BY_ACTION, EXTENDED, IS_OVERDUE, IS_DEFAULTED = 1, 2, 4, 8
EPOCH = datetime.date(1970, 1, 1).toordinal()
UNSETTLED_MAX, SETTLED_MAX = 32, 4
DAYS_AHEAD = 3660


class Cycles(Acts):
    # -- time --

    def instant(self, day, minute):
        return (1440 * day + minute - self.genesis["utc_offset_minutes"]) * 60000

    def local_day(self, instant):
        return (instant // 60000 + self.genesis["utc_offset_minutes"]) // 1440

    def is_business_day(self, service, day):
        calendar = self.calendars.get(service["calendar"])
        if calendar is None:
            return True
        date = datetime.date.fromordinal(EPOCH + day)
        number = date.year * 10000 + date.month * 100 + date.day
        if number in calendar["workdays"]:
            return True
        weekend = calendar["weekend"] >> date.weekday() & 1
        return not weekend and number not in calendar["holidays"]

    def next_cutoff(self, service, after):
        """The smallest instant above; 0: none."""
        if not service["cutoffs"]:
            return 0
        first = self.local_day(after)
        for day in range(first, first + DAYS_AHEAD):
            if not service["flags"] & 1 or self.is_business_day(service, day):
                for minute in service["cutoffs"]:
                    if self.instant(day, minute) > after:
                        return self.instant(day, minute)
        return 0

    def settle_from(self, service, closed):
        first = self.local_day(closed)
        day = first if service["settlement_days"] == 0 else first + 1
        left = max(1, service["settlement_days"])
        while day < first + DAYS_AHEAD:
            left -= self.is_business_day(service, day)
            if not left:
                break
            day += 1
        return closed if day == first else self.instant(day, service["settle_minute"])

    # -- opening and closing --

    def open_new(self, cycle, opened, first, cutoff):
        self.change_cycle(
            cycle,
            state=s.OPEN,
            currency=self.services[cycle[0]]["currency"],
            flags=0,
            opened_height=self.height,
            opened=opened,
            closed_height=0,
            closed=0,
            records=0,
            turnover=0,
            first=first,
            cutoff=cutoff,
            settle=0,
            deadline=0,
            settled_height=0,
            settled=0,
            nets_hash=bytes(32),
        )

    def cycle_event(self, cycle, cause, old, new, amount=0):
        more = {"amount": amount, "service": cycle[0]}
        return self.event((0, cycle[1]), s.CYCLE_EVENT, cause, old, new, **more)

    def close(self, cycle, closed, cause, by_action=False):
        service, row = self.services[cycle[0]], self.cycles[cycle]
        count = sum(c[0] == cycle[0] and r["state"] != s.SETTLED for c, r in self.cycles.items())
        scheduled = self.next_cutoff(service, closed)
        if count >= UNSETTLED_MAX:
            self.change_cycle(cycle, cutoff=scheduled)
            self.cycle_event(cycle, cause, s.OPEN, s.OPEN)
            return
        empty = row["records"] == 0
        settle = closed if empty else self.settle_from(service, closed)
        deadline = closed if empty else max(settle, self.now) + 1000 * service["funding_window_s"]
        values = {"closed": closed, "closed_height": self.height, "settle": settle}
        values |= {"deadline": deadline, "nets_hash": self.nets_hash(cycle)}
        if by_action:
            values["flags"] = row["flags"] | BY_ACTION
            scheduled = row["cutoff"] or scheduled
        if empty:
            values |= {"state": s.SETTLED, "settled": closed, "settled_height": self.height}
        else:
            values["state"] = s.CLOSED
        self.change_cycle(cycle, **values)
        self.cycle_event(cycle, cause, s.OPEN, values["state"])
        first = self.now + 1 if by_action else self.now
        self.open_new((cycle[0], cycle[1] + 1), closed, first, scheduled)

    def nets_hash(self, cycle):
        rows = sorted((key, value) for key, value in self.nets.items() if key[:2] == cycle)
        data = b"".join(net_row(key, value) for key, value in rows)
        data = struct.pack("<II", 12, len(rows)) + data
        return hashlib.blake2b(data, digest_size=32, person=b"hefu.table").digest()

    # -- due events --

    def next_due(self):
        """The first of all that is due now, in the order of docs/ledger.md; or None."""
        due = []
        for cycle, row in self.cycles.items():
            if row["state"] == s.OPEN and row["cutoff"]:
                due.append((row["cutoff"], CUTOFF) + cycle)
            waits = row["state"] in (s.CLOSED, s.INSTRUCTED, s.SHORT)
            if waits and not row["flags"] & IS_OVERDUE:
                due.append((row["deadline"], FUNDING) + cycle)
        if self.expiry:
            due.append(min(self.expiry))
        first = min(due) if due else None
        return first if first and first[0] <= self.now else None

    def due_events(self):
        for _ in range(2 * self.genesis["block_records"]):
            first = self.next_due()
            if first is None:
                return
            time, kind, a, b = first
            if kind == CUTOFF:
                self.close((a, b), time, CUT)
            elif kind == FUNDING:
                row = self.cycles[a, b]
                self.change_cycle((a, b), flags=row["flags"] | IS_OVERDUE)
                self.cycle_event((a, b), OVERDUE, row["state"], row["state"])
            else:
                self.put(self.expiry, first, None)
                self.expiry_swept.append(first)
                if self.life((a, b))["due"] == time:
                    self.expire((a, b))

    def expire(self, place):
        life = self.life(place)
        if life["state"] == s.REPRESENTED:
            self.end(place, s.DROPPED, SILENCE, s.NOBODY)
        elif s.CHARGED_BACK <= life["state"] <= s.IN_ARBITRATION:
            self.end(place, s.STANDS, SILENCE, s.NOBODY)
        else:
            self.end(place, s.EXPIRED, EXPIRED, s.NOBODY)
            if life["state"] == s.EXCEPTION:
                self.end(life["parent"], s.EXPIRED, EXPIRED, s.NOBODY)

    # -- settlement --

    def settle_all(self):
        order = [(row["closed"],) + cycle for cycle, row in self.cycles.items() if row["closed"]]
        settled = 0
        for _, service, number in sorted(order):
            cycle = (service, number)
            row = self.cycles[cycle]
            if row["state"] not in (s.CLOSED, s.SHORT) or row["settle"] > self.now:
                continue
            if self.services[service]["settlement"] == 2:
                if row["state"] == s.CLOSED:
                    self.change_cycle(cycle, state=s.INSTRUCTED)
                    self.cycle_event(cycle, INSTRUCTED, s.CLOSED, s.INSTRUCTED)
            elif settled < SETTLED_MAX:
                settled += self.try_settle(cycle, row)

    def group_nets(self, cycle):
        return {head: sum(self.net(cycle, n) for n in self.group(head)) for head in self.heads()}

    def try_settle(self, cycle, row):
        currency, sums = row["currency"], self.group_nets(cycle)
        debts = {head: -total for head, total in sums.items() if total < 0}
        plan, asked, defaulters = {}, 0, []
        for head, debt in debts.items():
            a1 = min(debt, positive(self.spendable(head, currency, s.SETTLEMENT)))
            a2 = min(debt - a1, positive(self.spendable(head, currency, s.COLLATERAL)))
            plan[head] = (a1, a2, debt - a1 - a2)
            asked += debt - a1 - a2
            if a1 < debt:
                defaulters.append(head)
        if not row["flags"] & IS_OVERDUE and defaulters:
            return 0
        if row["state"] == s.CLOSED:
            for head in defaulters:
                self.suspend(head, debts[head] - plan[head][0])
        money = self.balance(s.HUB, currency, s.FUND)
        money += sum(self.balance(n, currency, s.CLAIM) for n in self.participants)
        if asked > money * self.parameter("fund_share_ppm") // 10**6:
            if row["state"] == s.CLOSED:
                self.change_cycle(cycle, state=s.SHORT)
                self.cycle_event(cycle, SHORT, s.CLOSED, s.SHORT)
            return 0
        event = self.settled_event(cycle, row, SETTLED, sum(debts.values()), bool(defaulters))
        self.net_legs(cycle, currency, event)
        netting = (s.HUB, currency, s.NETTING)
        for head, total in sums.items():
            if total > 0:
                self.leg(7, netting, (head, currency, s.SETTLEMENT), total, event)
            elif total < 0:
                kinds = ((7, s.SETTLEMENT), (8, s.COLLATERAL), (9, s.CLAIM))
                for (leg, kind), part in zip(kinds, plan[head]):
                    self.leg(leg, (head, currency, kind), netting, part, event)
        return 1

    def suspend(self, number, missing):
        if not self.suspended(number):
            self.put(self.participants, number, self.participants[number] | {"status": 2})
            more = {"participant": number, "amount": missing}
            self.event((0, 0), s.PARTICIPANT_EVENT, DEFAULTED, 1, 2, **more)

    def settled_event(self, cycle, row, cause, amount, defaulted):
        flags = row["flags"] | (IS_DEFAULTED if defaulted else 0)
        values = {"settled": self.now, "settled_height": self.height, "flags": flags}
        self.change_cycle(cycle, state=s.SETTLED, **values)
        return self.cycle_event(cycle, cause, row["state"], s.SETTLED, amount)

    def net_legs(self, cycle, currency, event):
        netting = (s.HUB, currency, s.NETTING)
        for number in self.participants:
            net, position = self.net(cycle, number), (number, currency, s.POSITION)
            if net < 0:
                self.leg(6, netting, position, -net, event)
            else:
                self.leg(6, position, netting, net, event)

    # -- queue --

    def in_order(self, currency):
        rows = [(place, row) for place, row in self.queue.items() if row["currency"] == currency]
        return sorted(rows, key=lambda item: (-item[1]["priority"], item[1]["since"]))

    def post_queued(self, place, cause):
        """The event's number comes first: the entries carry it."""
        r, life = self.records[place][0], self.life(place)
        self.put(self.queue, place, None)
        number = self.posted_life(place, cause, life["heard"], by=s.NOBODY)
        self.post_legs(r, self.legs_of(r), event=number)

    def run_queue(self):
        if self.expiry and min(self.expiry)[0] <= self.now:
            return  # more was due than a block takes: nothing is paid too late
        for currency in self.currencies:
            while self.release_one(currency):
                pass
            for place in self.offset_set(currency):
                self.post_queued(place, OFFSET)

    def release_one(self, currency):
        seen = set()
        for place, row in self.in_order(currency):
            if row["payer"] in seen:
                continue
            seen.add(row["payer"])
            if self.suspended(row["payer"]):
                continue
            mark, self.before = self.mark(), len(self.undo)
            self.post_queued(place, RELEASE)
            if not self.limit_verdicts(self.before):
                return True
            self.take_back(mark)
        return False

    def offset_set(self, currency):
        chosen = [item for item in self.in_order(currency) if not self.suspended(item[1]["payer"])]
        while True:
            for number in self.participants:
                left = self.spendable(number, currency, s.SETTLEMENT)
                paid = [place for place, row in chosen if row["payer"] == number]
                for place, _ in chosen:
                    for _, debited, credited, size in self.legs_of(self.records[place][0]):
                        left += size * ((credited == number) - (debited == number))
                if paid and left < max(0, self.floor(number, currency)):
                    chosen = [item for item in chosen if item[0] != paid[-1]]
                    break
            else:
                return [place for place, _ in chosen]


def net_row(key, value):
    service, number, participant = key
    return struct.pack(">HII", service, number, participant) + b"".join(
        total.to_bytes(16, "little") for total in value
    )
