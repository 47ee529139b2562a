"""What actions of kinds 5 to 12 ask for and change, in the naive model (docs/ledger.md, Actions of
kinds 5 to 12; docs/formats.md, Bodies of actions).

Each change is tried on a copy of the reference data; a change that no longer fits changes nothing.
"""

import struct

import form
import reference
import state as s
from cycles import ACTION, BY_ACTION, EXTENDED, UNSETTLED_MAX, Cycles

PARTICIPANT, KEYS, STANDING, LIMIT, SERVICE, SCHEME, PARAMETERS, CYCLE = range(5, 13)
ADD, REMOVE, PERMISSIONS = 1, 2, 3
CLOSE, EXTEND, CONFIRM, CANCEL = 1, 2, 3, 4
EXTEND_MAX = 86400000
KEYS_MAX, SCHEMES_MAX, CALENDARS_MAX = 16, 256, 16
ACTIVE, SUSPENDED = 1, 2
DEFERRED, EXTERNAL = 1, 2


class Refused(Exception):
    """With the verdict."""


def demand(holds, verdict):
    if not holds:
        raise Refused(verdict)


class Effects(Cycles):
    def data(self):
        """A copy of the tables; rows are never changed in place."""
        tables = {name: dict(getattr(self, name)) for name in reference.TABLES}
        return tables | {"currencies": self.currencies}

    # -- what is asked, on a copy --

    def tried(self, kind, body):
        """The reference data as they would be."""
        now, then = self.data(), self.data()
        changes = {
            PARTICIPANT: self.participant,
            KEYS: self.keys_of,
            STANDING: self.stand,
            LIMIT: self.limit_of,
            SERVICE: self.service,
            SCHEME: self.scheme,
            PARAMETERS: self.parameters_of,
        }
        changes[kind](then, body)
        demand(reference.fits_together(then), 263)
        demand(not reference.locks_out(now, then), 263)
        return then

    def decoded(self, table, body):
        row = reference.decode(table, body)
        demand(row is not None, 150)
        return row

    def is_new(self, table, number, most):
        """A new row takes a number above all others, while there is room."""
        demand(len(table) < most and number > max(table, default=-1), 260)

    def participant(self, data, body):
        row = self.decoded("participants", body)
        known = data["participants"].get(row["number"])
        if known:
            demand(not row["keys"] and row["status"] == known["status"], 262)
            row["keys"] = known["keys"]
        else:
            self.is_new(data["participants"], row["number"], self.genesis["participants_max"])
            demand(row["status"] == ACTIVE and row["keys"], 263)
            demand(all(key["permissions"] for key in row["keys"]), 263)
        data["participants"][row["number"]] = row

    def keys_of(self, data, body):
        demand(len(body) >= 8, 150)
        number, count = struct.unpack_from("<II", body)
        demand(1 <= count <= KEYS_MAX and len(body) == 8 + 48 * count, 150)
        changes = [struct.unpack_from("<IIII32s", body, 8 + 48 * at) for at in range(count)]
        for op, _, permissions, reserved, key in changes:
            demand(ADD <= op <= PERMISSIONS and reserved == 0, 150)
            demand((key == reference.NO_KEY) == (op != ADD), 150)
            demand(op != REMOVE or permissions == 0, 150)
        demand(number in data["participants"], 261)
        row = data["participants"][number]
        for op, key_no, permissions, _, key in changes:
            row = row | {"keys": self.keys_after(row["keys"], op, key_no, permissions, key)}
        demand(reference.acting(row), 263)
        data["participants"][number] = row

    def keys_after(self, keys, op, key_no, permissions, key):
        there = [row for row in keys if not reference.is_removed(row)]
        highest = keys[-1]["key_no"] if keys else 0
        if op == ADD:
            demand(key_no > highest and len(there) < KEYS_MAX, 260)
            demand(permissions, 263)
            return there + [{"key_no": key_no, "permissions": permissions, "key": key}]
        demand(any(row["key_no"] == key_no for row in there), 261)
        if op == PERMISSIONS:
            demand(permissions, 263)
            new = {"permissions": permissions}
            return [row | new if row["key_no"] == key_no else row for row in keys]
        left = [row for row in keys if row["key_no"] != key_no]
        if key_no == highest:
            left.append({"key_no": key_no, "permissions": 0, "key": reference.NO_KEY})
        return left

    def stand(self, data, body):
        demand(len(body) == 8, 150)
        number, status = struct.unpack("<II", body)
        demand(status in (ACTIVE, SUSPENDED), 150)
        demand(number in data["participants"], 261)
        data["participants"][number] = data["participants"][number] | {"status": status}

    def limit_of(self, data, body):
        row = self.decoded("limits", body)
        known = row["participant"] in data["participants"]
        demand(known and row["currency"] in self.currencies, 261)
        data["limits"][row["participant"], row["currency"]] = row

    def service(self, data, body):
        demand(len(body) >= 8, 150)
        what, reserved = struct.unpack_from("<II", body)
        demand(what in (1, 2) and reserved == 0, 150)
        name = "services" if what == 1 else "calendars"
        row = self.decoded(name, body[8:])
        known = data[name].get(row["number"])
        if not known:
            most = self.genesis["services_max"] if what == 1 else CALENDARS_MAX
            self.is_new(data[name], row["number"], most)
        elif what == 1:
            fixed = ("mode", "currency", "settlement")
            demand(all(row[field] == known[field] for field in fixed), 262)
        data[name][row["number"]] = row

    def scheme(self, data, body):
        row = self.decoded("schemes", body)
        known = data["schemes"].get(row["number"])
        if known:
            demand(all(row[field] == known[field] for field in ("service", "network")), 262)
        else:
            self.is_new(data["schemes"], row["number"], SCHEMES_MAX)
        data["schemes"][row["number"]] = row

    def parameters_of(self, data, body):
        data["parameters"][""] = self.decoded("parameters", body)

    # -- cycles --

    def order(self, body):
        """Operation, cycle and until of an action that fits now."""
        demand(len(body) == 48, 150)
        service, op, number, until, nets_hash = struct.unpack("<HHIQ32s", body)
        demand(CLOSE <= op <= CANCEL and (op == EXTEND) == (until != 0), 150)
        demand(op == CONFIRM or not any(nets_hash), 150)
        cycle = (service, number)
        row = self.cycles.get(cycle)
        demand(row and row["state"] != s.SETTLED, 261)
        if op == CLOSE:
            states = [r["state"] for c, r in self.cycles.items() if c[0] == service]
            room = sum(state != s.SETTLED for state in states) < UNSETTLED_MAX
            demand(row["state"] == s.OPEN and room, 360)
        elif op == EXTEND:
            demand(row["state"] == s.OPEN and row["cutoff"], 360)
            demand(max(row["cutoff"], self.now) < until <= row["cutoff"] + EXTEND_MAX, 360)
        else:
            demand(self.services[service]["settlement"] == EXTERNAL, 360)
            states = (s.INSTRUCTED, s.SHORT) if op == CONFIRM else (s.INSTRUCTED,)
            demand(row["state"] in states, 360)
            demand(op == CANCEL or nets_hash == row["nets_hash"], 360)
        return op, cycle, until

    def carry_out_order(self, op, cycle, until):
        row = self.cycles[cycle]
        if op == CLOSE:
            self.close(cycle, self.now, ACTION, by_action=True)
        elif op == EXTEND:
            self.change_cycle(cycle, cutoff=until, flags=row["flags"] | EXTENDED)
            self.cycle_event(cycle, ACTION, s.OPEN, s.OPEN)
        elif op == CONFIRM:
            debts = sum(max(0, -total) for total in self.group_nets(cycle).values())
            event = self.settled_event(cycle, row, ACTION, debts, False)
            self.net_legs(cycle, row["currency"], event)
        else:
            self.change_cycle(cycle, state=s.SHORT)
            self.cycle_event(cycle, ACTION, s.INSTRUCTED, s.SHORT)

    # -- checking, carrying out --

    def effect_verdict(self, kind, body):
        try:
            if kind == CYCLE:
                self.order(body)
            else:
                self.tried(kind, body)
        except Refused as refused:
            return refused.args[0]
        return 0

    def take_effect(self, kind, body):
        """False: it does not fit any more, and nothing changed."""
        try:
            if kind == CYCLE:
                self.carry_out_order(*self.order(body))
                return True
            then = self.tried(kind, body)
        except Refused:
            return False
        people, services = set(self.participants), set(self.services)
        for name in reference.TABLES:
            table = getattr(self, name)
            for key, row in then[name].items():
                if table.get(key) != row:
                    self.put(table, key, row)
        for number in set(self.participants) - people:
            self.open_accounts(number)
        for number in set(self.services) - services:
            service = self.services[number]
            if service["mode"] == DEFERRED:
                cutoff = self.next_cutoff(service, self.now)
                self.open_new((number, 1), self.now, self.now, cutoff)
        return True
