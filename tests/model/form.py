"""Records and genesis as the naive model reads them, and the verdicts below 300.

Written from docs/ledger.md (Kinds, Verdicts) and docs/formats.md alone.
"""

import datetime
import struct

CLEAR, AFFIRM, REJECT, REVERSE, REFUND, HOLD, CAPTURE, RELEASE = range(1, 9)
PAY, CANCEL, REPRIORITISE = range(9, 12)
(CHARGEBACK, ACCEPT, REPRESENT, PRE_ARBITRATE, WITHDRAW, DECLINE, RULE) = range(12, 19)
(FEE, FUND, DEFUND, PLEDGE, UNPLEDGE, CONTRIBUTE) = range(19, 25)

LINKED, FINAL, QUEUE, OUTCOME = 1, 2, 4, 8
PAYER, PAYEE, NETWORK = 1, 2, 4
DEFERRED, GROSS = 1, 2
AGENT, OPERATOR = 8, 16
MANY = 10**18

# am fe pr pe sc rf rp mk to mc pi | flags | service | new: the table of docs/ledger.md, Kinds.
TABLE = {
    CLEAR: ("R.RRR00..." + "0", LINKED, DEFERRED, True),
    AFFIRM: ("00R..R..0" + "00", LINKED, None, False),
    REJECT: ("00R..R..0" + "00", LINKED, None, False),
    REVERSE: ("00RRRR..0" + ".0", LINKED, None, False),
    REFUND: ("R.RRRR..0" + ".0", LINKED, None, False),
    HOLD: ("R.RRR00.." + ".0", LINKED, DEFERRED, True),
    CAPTURE: ("R.RRRR..0" + ".0", LINKED | FINAL, DEFERRED, False),
    RELEASE: ("00RRRR..0" + ".0", LINKED, DEFERRED, False),
    PAY: ("R.RRR00.." + ".Q", LINKED | QUEUE, GROSS, True),
    CANCEL: ("00RRRR0.0" + "00", 0, GROSS, False),
    REPRIORITISE: ("00RRRR0.0" + "0.", 0, GROSS, False),
    CHARGEBACK: ("R0RRRR..0" + ".0", 0, DEFERRED, False),
    ACCEPT: ("00RRRR..0" + "00", 0, DEFERRED, False),
    REPRESENT: ("00RRRR..0" + "00", 0, DEFERRED, False),
    PRE_ARBITRATE: ("00RRRR..0" + "00", 0, DEFERRED, False),
    WITHDRAW: ("00RRRR..0" + "00", 0, DEFERRED, False),
    DECLINE: ("00RRRR..0" + "00", 0, DEFERRED, False),
    RULE: ("00RRRR..0" + "00", OUTCOME, DEFERRED, False),
    FEE: ("R0RRR00.0" + ".0", LINKED, DEFERRED, True),
    FUND: ("R00R000R0" + "00", LINKED, 0, False),
    DEFUND: ("R0R0000.0" + "00", LINKED, 0, True),
    PLEDGE: ("R0R000000" + "00", LINKED, 0, False),
    UNPLEDGE: ("R0R000000" + "00", LINKED, 0, True),
    CONTRIBUTE: ("R0R000000" + "00", LINKED, 0, False),
}

# Who files, where the column names sides. CLEAR and HOLD: the scheme's submitters.
FILED_BY = {
    REVERSE: PAYEE | NETWORK | PAYER,
    REFUND: PAYEE | NETWORK,
    CAPTURE: PAYEE | NETWORK,
    RELEASE: PAYEE | NETWORK,
    PAY: PAYER,
    CANCEL: PAYER,
    REPRIORITISE: PAYER,
    CHARGEBACK: PAYER,
    ACCEPT: PAYEE,
    REPRESENT: PAYEE,
    PRE_ARBITRATE: PAYER,
    WITHDRAW: PAYER,
    DECLINE: PAYEE,
    RULE: NETWORK,
}

NAMES = "id ref match_key details_hash amount interchange payer_fee payee_fee payer payee"
NAMES += " ref_participant business_date timeout_s kind scheme currency mcc reason priority flags"
NAMES = (NAMES + " reserved").split()
LAYOUT = struct.Struct("<16s16s16s32sQqqqIIIIIHHHH4sBB14s")
NOTHING = bytes(16)


class Record:
    def __init__(self, data):
        self.data = data
        for name, value in zip(NAMES, LAYOUT.unpack(data)):
            setattr(self, name, value)

    def fees(self):
        return (self.interchange, self.payer_fee, self.payee_fee)


def date_of(number):
    try:
        return datetime.date(number // 10000, number // 100 % 100, number % 100)
    except ValueError:
        return None


def reason_holds(reason):
    text = reason.rstrip(b"\0")
    return all(0x20 <= byte <= 0x7E for byte in text)


def form(r, in_chain, is_last):
    """Verdicts 100 to 133, in the order of the numbers."""
    if r.id == NOTHING:
        return 100
    if r.kind not in TABLE:
        return 101
    columns, flags, _, _ = TABLE[r.kind]
    am, fe, pr, pe, sc, rf, rp, mk, to, mc, pi = columns
    if any(r.reserved):
        return 103
    if r.flags & ~flags or (in_chain and not flags & LINKED):
        return 104
    if r.flags & LINKED and is_last:
        return 106
    if am == "R" and r.amount == 0:
        return 107
    if r.amount >= MANY:
        return 108
    if any(abs(fee) >= MANY for fee in r.fees()):
        return 109
    if fe == "0" and any(r.fees()):
        return 110
    if pr == "R" and r.payer == 0:
        return 111
    if pr == "0" and r.payer:
        return 112
    if pe == "R" and r.payee == 0:
        return 113
    if r.payer and r.payer == r.payee:
        return 114
    if sc == "R" and r.scheme == 0:
        return 115
    if sc == "0" and r.scheme:
        return 116
    if rf == "R" and r.ref == NOTHING:
        return 117
    if (rf == "0" and r.ref != NOTHING) or (rp == "0" and r.ref_participant):
        return 118
    if mk == "R" and r.match_key == NOTHING:
        return 119
    if date_of(r.business_date) is None:
        return 120
    if to == "0" and r.timeout_s:
        return 121
    if r.mcc > 9999 or (mc == "0" and r.mcc):
        return 122
    if not reason_holds(r.reason):
        return 123
    if r.priority and (pi == "0" or (pi == "Q" and not r.flags & QUEUE)):
        return 124
    if am == "0" and r.amount:
        return 130
    if pe == "0" and r.payee:
        return 131
    if mk == "0" and r.match_key != NOTHING:
        return 132
    if r.priority > 2:
        return 133
    return 0


def authority(ledger, r, by):
    """Verdicts 200 to 233."""
    _, _, mode, new = TABLE[r.kind]
    answers = r.kind in (AFFIRM, REJECT)
    scheme = ledger.schemes.get(r.scheme)
    if r.scheme and scheme is None:
        return 200
    if scheme and mode and ledger.services[scheme["service"]]["mode"] != mode:
        return 201
    if r.currency not in ledger.currencies:
        return 203
    if scheme and ledger.services[scheme["service"]]["currency"] != r.currency:
        return 204
    if r.payer and r.payer not in ledger.participants:
        return 205
    if r.payee and r.payee not in ledger.participants:
        return 206
    verdict = filer(ledger, r, by, scheme, answers)
    if verdict:
        return verdict
    if scheme and not scheme["network"] and (r.payer_fee or r.payee_fee):
        return 210
    if new and (ledger.suspended(by) or ledger.suspended(r.payer)):
        return 230
    if new and scheme and ledger.services[scheme["service"]]["mode"] == DEFERRED:
        if ledger.suspended(ledger.sponsor(r.payer)):
            return 230
    if r.kind == CHARGEBACK and not scheme["chargeback_s"]:
        return 231
    if scheme:
        bound = 0
        if r.kind == HOLD:
            bound = scheme["hold_timeout_s"]
        elif r.kind == CLEAR or (r.kind == PAY and scheme["confirmations"] == 2):
            bound = scheme["match_timeout_s"]
        if bound and r.timeout_s > bound:
            return 232
    if r.kind == PAY and r.flags & QUEUE and scheme["confirmations"] == 2:
        return 233
    return 0


def filer(ledger, r, by, scheme, answers):
    sides = ledger.sides(r, by)
    if r.kind == FUND:
        return 0 if ledger.participants[by]["roles"] & AGENT else 209
    if not scheme:
        return 0 if answers or by == r.payer else 207
    if not sides:
        return 207
    if answers:
        return 0
    if r.kind == CLEAR:
        allowed = scheme["submitters"]
    elif r.kind == HOLD:
        allowed = scheme["submitters"]
        if scheme["confirmations"] == 2:
            allowed &= PAYER | NETWORK
    elif r.kind == FEE:
        allowed = PAYER | (NETWORK if scheme["flags"] & 2 else 0)
    else:
        allowed = FILED_BY[r.kind]
    return 0 if sides & allowed else 208


def expected_fee(scheme, r, which):
    for rule in scheme["fee_rules"]:
        begun = rule["from_date"] <= r.business_date
        ended = rule["to_date"] and r.business_date > rule["to_date"]
        if rule["fee"] != which or not begun or ended:
            continue
        if not rule["mcc_from"] <= r.mcc <= rule["mcc_to"]:
            continue
        whole, rest = divmod(r.amount * abs(rule["rate_ppm"]), 10**6)
        half = 2 * rest - 10**6
        up = {1: half >= 0, 2: half > 0 or (half == 0 and whole % 2), 3: False, 4: rest > 0}
        size = max(whole + bool(up[rule["rounding"]]), rule["minimum"])
        if rule["cap"]:
            size = min(size, rule["cap"])
        return -size if rule["rate_ppm"] < 0 else size
    return 0


def fees_differ(scheme, r):
    """Verdict 405."""
    if not scheme["flags"] & 1:
        return False
    return r.fees() != tuple(expected_fee(scheme, r, which) for which in (1, 2, 3))


# --- genesis ------------------------------------------------------------------------------------


# The rows of reference data: layout and names, then what repeats and its count.
POLICY = ("HHIII", "kind approvals proposers approvers lapse_s")
LIMIT = ("IHHQ", "participant currency flags cap")
KEY = ("II32s", "key_no permissions key")
PARTICIPANT = (
    "II64s12s16s32sIII",
    "number roles name bic clearing_code transport_key settles_through status key_count",
)
SERVICE = (
    "HHHH32sIHHHHI",
    "number currency mode settlement name funding_window_s calendar settlement_days"
    " settle_minute flags cutoff_count",
)
SCHEME = (
    "HHHHIII32sIIIIIII",
    "number service submitters confirmations network hold_timeout_s match_timeout_s name flags"
    " chargeback_s represent_s pre_arbitrate_s answer_s rule_s fee_rule_count",
)
FEE_RULE = (
    "IIHHHHiIQQ",
    "from_date to_date mcc_from mcc_to fee rounding rate_ppm reserved minimum cap",
)
CALENDAR = ("HH32sII", "number weekend name holiday_count workday_count")
PARAMETERS = ("IIII", "queue_max queue_quota fund_share_ppm reserved")
POLICIES, FIRST_POLICY = 8, 5


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout, names):
        layout = struct.Struct("<" + layout)
        values = layout.unpack_from(self.data, self.at)
        self.at += layout.size
        return dict(zip(names.split(), values))


def genesis_of(data):
    """Canonical genesis, docs/formats.md."""
    reader = Reader(data)
    g = reader.take(
        "I32sQIi32s32sQQIIIIII",
        "version network created_ms incarnation utc_offset_minutes root_chain_id root_hash"
        " root_height root_epoch delta_ms block_interval_ms empty_interval_ms block_records"
        " participants_max services_max",
    )
    g |= parameters_of(reader)
    lists = "currencies participants limits services schemes calendars validators"
    counts = reader.take("7I", lists)
    makers = {
        "currencies": lambda: reader.take("HBx4s", "numeric exponent code"),
        "participants": lambda: participant_of(reader),
        "limits": lambda: reader.take(*LIMIT),
        "services": lambda: service_of(reader),
        "schemes": lambda: scheme_of(reader),
        "calendars": lambda: calendar_of(reader),
        "validators": lambda: reader.take("I4x32s32s32s", "participant key transport_key name"),
    }
    for name, make in makers.items():
        g[name] = [make() for _ in range(counts[name])]
    assert g["version"] == 3 and reader.at == len(data)
    return g


def parameters_of(reader):
    p = reader.take(*PARAMETERS)
    p["policies"] = [reader.take(*POLICY) for _ in range(POLICIES)]
    return p


def participant_of(reader):
    p = reader.take(*PARTICIPANT)
    p["keys"] = [reader.take(*KEY) for _ in range(p.pop("key_count"))]
    return p


def service_of(reader):
    s = reader.take(*SERVICE)
    s["cutoffs"] = [reader.take("H", "m")["m"] for _ in range(s.pop("cutoff_count"))]
    return s


def scheme_of(reader):
    s = reader.take(*SCHEME)
    s["fee_rules"] = [reader.take(*FEE_RULE) for _ in range(s.pop("fee_rule_count"))]
    return s


def calendar_of(reader):
    c = reader.take(*CALENDAR)
    holidays, workdays = c.pop("holiday_count"), c.pop("workday_count")
    for name, count in (("holidays", holidays), ("workdays", workdays)):
        c[name] = [reader.take("I", "d")["d"] for _ in range(count)]
    return c
