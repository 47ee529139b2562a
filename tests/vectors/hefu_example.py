"""The example chain of check.py: a genesis with three participants, and twelve blocks, over two
epochs: halves that match and halves that differ, a hold captured in part and expired, a dispute, two
payments that only settle together, a cut-off and the settlement of its cycle.

Every record of the blocks is posted unless a comment names its verdict. Keys come from seeds that
anybody can compute: they are for this example only.
"""

import hefu_actions as a
import hefu_formats as f

FUND, CLEAR, PAY, REFUND = (f.KINDS[name] for name in ("FUND", "CLEAR", "PAY", "REFUND"))
HOLD, CAPTURE, AFFIRM, CHARGEBACK = (
    f.KINDS[name] for name in ("HOLD", "CAPTURE", "AFFIRM", "CHARGEBACK")
)
PLEDGE, UNPLEDGE, DEFUND = (f.KINDS[name] for name in ("PLEDGE", "UNPLEDGE", "DEFUND"))
LINKED, QUEUE = 1, 4  # flags


def seed(participant):
    return bytes((participant * 16 + i) % 256 for i in range(32))


def key_of(participant):
    return f.public_key(seed(participant))


def participant(number, roles, name, bic, clearing_code):
    return {
        "number": number,
        "roles": roles,
        "name": name,
        "bic": bic,
        "clearing_code": clearing_code,
        "transport_key": bytes((number + i) % 256 for i in range(32)),
        "settles_through": 0,
        "status": 1,
        "keys": [{"key_no": 1, "permissions": 3, "key": key_of(number)}],
    }


def limit(participant, flags, cap):
    return {"participant": participant, "currency": 156, "flags": flags, "cap": cap}


def service(number, currency, mode, settlement, name, window, cutoffs, calendar=0):
    return {
        "calendar": calendar,
        "settlement_days": 0,
        "settle_minute": 0,
        "flags": 1 if calendar else 0,
        "number": number,
        "currency": currency,
        "mode": mode,
        "settlement": settlement,
        "name": name,
        "funding_window_s": window,
        "cutoffs": cutoffs,
    }


RULE = {
    "from_date": 20160906,
    "to_date": 0,
    "mcc_from": 0,
    "mcc_to": 9999,
    "fee": 1,
    "rounding": 2,
    "rate_ppm": 3500,
    "minimum": 1,
    "cap": 1300,
}


def scheme(number, service, submitters, network, hold, match, name, confirmations=1, disputes=0):
    days = 86400 if disputes else 0
    return {
        "flags": 0,
        "chargeback_s": 120 * days,
        "represent_s": 20 * days,
        "pre_arbitrate_s": 10 * days,
        "answer_s": 10 * days,
        "rule_s": 0,
        "fee_rules": [RULE] if disputes else [],
        "number": number,
        "service": service,
        "submitters": submitters,
        "confirmations": confirmations,
        "network": network,
        "hold_timeout_s": hold,
        "match_timeout_s": match,
        "name": name,
    }


def secret(index):
    """Of a validator's consensus key."""
    return bytes((32 - i + index) % 256 for i in range(32))


def validator(index, participant, name):
    """Every validator has keys of its own, also two of one participant."""
    return {
        "participant": participant,
        "key": f.public_key(secret(index)),
        "transport_key": bytes((index + 2 * i) % 256 for i in range(32)),
        "name": name,
    }


GENESIS = {
    "network": "example",
    "created_ms": 1763856000000,
    "incarnation": 0,
    "utc_offset_minutes": 480,
    "root_chain_id": f.ZERO,
    "root_hash": f.ZERO,
    "root_height": 0,
    "root_epoch": 0,
    "delta_ms": 400,
    "block_interval_ms": 0,
    "empty_interval_ms": 30000,
    "block_records": 32768,
    "participants_max": 5,
    "services_max": 4,
    "parameters": {
        "queue_max": 100,
        "queue_quota": 10,
        "fund_share_ppm": 500000,
        "policies": [
            {
                "kind": kind,
                "approvals": 3 if kind in (9, 10, 11) else 2,
                "proposers": 16,
                "approvers": 16 | 1,
                "lapse_s": 604800,
            }
            for kind in range(5, 13)
        ],
    },
    "currencies": [
        {"numeric": 156, "exponent": 2, "code": "CNY"},
        {"numeric": 840, "exponent": 2, "code": "USD"},
    ],
    "participants": [
        participant(1, 1, "Harbour Bank", "HARBCNBJXXX", "102100099996"),
        participant(2, 1, "River Bank", "RIVRCNBJXXX", "103100000026"),
        participant(10, 4 | 8 | 16, "Junction Network", "", ""),
    ],
    "limits": [limit(1, 0, 100000), limit(2, 1, 500000), limit(10, 0, 1000)],
    "services": [
        service(1, 156, 1, 1, "cards", 3600, [600, 1320]),
        service(2, 156, 2, 1, "gross", 0, []),
        service(7, 840, 1, 2, "cards abroad", 7200, [1439], 3),
    ],
    "schemes": [
        scheme(1, 1, 2 | 4, 10, 604800, 3600, "debit purchase", disputes=1),
        scheme(2, 2, 1, 0, 0, 0, "transfer"),
        scheme(3, 1, 1 | 2, 10, 0, 3600, "both confirm", confirmations=2),
    ],
    "calendars": [
        {
            "number": 3,
            "weekend": 0x60,
            "name": "national",
            "holidays": [20251001, 20260101],
            "workdays": [20251011],
        }
    ],
    "validators": [
        validator(1, 1, "harbour"),
        validator(2, 2, "river"),
        validator(10, 10, "junction"),
        validator(11, 10, "second"),
    ],
}


def name(number):
    """An id or match key."""
    return number.to_bytes(16, "big")


def record(number, kind, **fields):
    """A record with an id made of its number; what is not given is zero."""
    values = {field: 0 for field in f.RECORD.fields if not field.startswith("reserved@")}
    values |= {field: b"" for field in ("ref", "match_key", "details_hash", "reason")}
    values |= {"id": name(number), "kind": kind, "currency": 156, "business_date": 20251123}
    return f.RECORD.pack(**(values | fields))


def fund(number, payee, amount, key, **fields):
    return record(number, FUND, payee=payee, amount=amount, match_key=name(key), **fields)


def purchase(number, amount, key=0, kind=CLEAR, **fields):
    sides = {"scheme": 1, "payer": 1, "payee": 2, "mcc": 5411}
    return record(number, kind, **sides, amount=amount, match_key=name(key), **fields)


def refund(number, of, amount, key=0, **fields):
    return purchase(number, amount, key, REFUND, ref=name(of), **fields)


def transfer(number, amount, key=0, **fields):
    sides = {"scheme": 2, "payer": 1, "payee": 2}
    return record(number, PAY, **sides, amount=amount, match_key=name(key), **fields)


def half(number, amount, key, **fields):
    sides = {"scheme": 3, "payer": 1, "payee": 2}
    return record(number, CLEAR, **sides, amount=amount, match_key=name(key), **fields)


def back(number, amount, **fields):
    return record(number, PAY, scheme=2, payer=2, payee=1, amount=amount, **fields)


def own(number, kind, amount):
    return record(number, kind, payer=1, amount=amount)


def act(number, kind, scheme, of, **fields):
    sides = {"payer": 1, "payee": 2, "scheme": scheme, "ref": name(of)}
    return record(number, kind, **(sides | fields))


SOURCE = f.H("hefu.source", b"harbour-20251123.csv\n")
ADVICE = f.H("hefu.source", b"advice")
FIRST = purchase(0x21, 60000, 0xA1, interchange=300, payer_fee=10, payee_fee=20)


def by_participant(number, body):
    return (2, number, 1, seed(number), body)


def by_validator(kind, participant, index, body):
    key = f.public_key(secret(index))
    return (kind, participant, a.key_no_of(key), secret(index), body)


# Each builder gets the block's earlier batches and the ledger, and gives kind, participant, key_no,
# secret key and body.


def propose(_batches, _ledger):
    """The river's key is replaced, the second of the junction leaves, a fifth one joins."""
    river, second = GENESIS["validators"][1], GENESIS["validators"][3]
    new, other = validator(20, 2, ""), validator(21, 1, "fifth")
    changes = [
        {"op": a.REPLACE, "old_key": river["key"]} | keys_of(new),
        {"op": a.ADD, "participant": 1, "name": "fifth"} | keys_of(other),
        {"op": a.REMOVE, "old_key": second["key"]},
    ]
    return by_participant(10, a.change_of_validators(1, changes))


def propose_again(_batches, _ledger):
    """A change that nobody answers, until an incarnation overtakes it."""
    changes = [{"op": a.ADD, "participant": 1, "name": "sixth"} | keys_of(validator(22, 1, ""))]
    return by_participant(10, a.change_of_validators(2, changes))


def keys_of(member):
    return {name: member[name] for name in ("key", "transport_key")}


def approve(_batches, ledger):
    return by_participant(1, a.answer(a.APPROVE, ledger.actions[0].id))


def accuse(batches, ledger):
    votes = []
    for block in (b"one", b"other"):
        named = f.H("hefu.block", block)
        preimage = f.preimage(
            f.NOTARIZE, 1, 4, 3, named, ledger.chain_id, ledger.validators_hash
        )
        signature = f.sign(secret(11), preimage)
        fields = {"kind": f.NOTARIZE, "signer": 3, "epoch": 1, "view": 4, "parent_view": 3}
        votes.append(f.VOTE_ROW.pack(block_hash=named, signature=signature, **fields))
    accuser, owner = ((1, 1), (2, 2))[len(batches) % 2]
    return by_validator(3, owner, accuser, a.evidence(*votes))


def ready_of(which):
    def build(_batches, ledger):
        index, owner = ((20, 2), (21, 1))[which]
        return by_validator(2, owner, index, a.answer(a.READY, ledger.actions[0].id))

    return build


# Each batch: participant, source, records.
BLOCKS = [
    {
        "timestamp_ms": 1763856001000,
        "proposer": 2,
        "batches": [
            (10, None, [
                fund(0x11, 1, 1000000, 0xF1),
                fund(0x12, 2, 50000, 0xF2, details_hash=ADVICE),
                fund(0x13, 2, 50000, 0xF2),  # DUPLICATE_KEY
            ]),
            (2, SOURCE, [
                FIRST,
                purchase(0x22, 50000),  # CAP
                FIRST,  # EXISTS
                purchase(0x22, 50001),  # EXISTS_DIFFERENT
                purchase(0, 1),  # ID_ZERO
                purchase(0x23, 100, 0xA2, interchange=-7, payer_fee=-3, payee_fee=-2),
            ]),
        ],
    },
    {
        "timestamp_ms": 1763856002500,
        "proposer": 0,
        "batches": [
            (2, None, [
                refund(0x31, 0x21, 20000, 0xA1, interchange=100, payee_fee=-5),
                refund(0x32, 0x23, 40, 0xA2),
                refund(0x33, 0x21, 40001, 0xA1),  # EXCEEDS_REMAINING
                refund(0x34, 0x21, 40000, 0xA1),
                refund(0x35, 0x99, 1),  # REF_NOT_FOUND
            ]),
            (1, None, [
                transfer(0x11, 250000),
                transfer(0x12, 750001),  # INSUFFICIENT_FUNDS
                transfer(0x13, 1, 0xB1, flags=LINKED),  # LINKED_FAILED
                transfer(0x14, 750000, flags=LINKED),  # INSUFFICIENT_FUNDS
                transfer(0x15, 2),  # LINKED_FAILED
                transfer(0x16, 3, 0xB2, flags=LINKED),
                transfer(0x17, 4, 0xB1),
            ]),
            (2, SOURCE, [purchase(0x41, 5)] * 33),  # SOURCE_EXISTS
        ],
    },
    {"timestamp_ms": 1763856003000, "proposer": 1, "batches": []},
    {"timestamp_ms": 1763856004000, "proposer": 1, "batches": [], "bodies": [propose]},
    {
        "timestamp_ms": 1763856005000,
        "proposer": 3,
        "batches": [(10, None, [fund(0x14, 2, 7, 0xF3)])],
        "bodies": [approve, approve, accuse, accuse],  # ANSWERED_BEFORE, EXISTS
    },
    {"timestamp_ms": 1763856006000, "proposer": 0, "batches": [], "bodies": [ready_of(0)]},
    {
        "timestamp_ms": 1763856007000,
        "proposer": 0,
        "batches": [(1, None, [transfer(0x51, 1)])],
        "bodies": [ready_of(1)],
    },
    {"timestamp_ms": 1763856008000, "proposer": 3, "batches": []},
    {
        "timestamp_ms": 1763856009000,
        "proposer": 2,
        "batches": [
            (2, None, [
                half(0x61, 5000, 0xC1, interchange=17, payer_fee=2, payee_fee=1),  # PENDING
                half(0x62, 100, 0xC2),  # PENDING
                purchase(0x63, 3000, 0xC3, HOLD, payer_fee=5, timeout_s=600),  # PENDING
            ]),
            (1, None, [
                half(0x61, 70, 0xC4),  # PENDING
                transfer(0x62, 1000000, flags=QUEUE, priority=1),  # QUEUED
                own(0x63, PLEDGE, 1000),
                own(0x64, UNPLEDGE, 400),  # PENDING
                own(0x65, DEFUND, 300),  # PENDING
            ]),
        ],
    },
    {
        "timestamp_ms": 1763856010000,
        "proposer": 1,
        "batches": [
            (1, None, [
                half(0x71, 5000, 0xC1, interchange=17, payer_fee=2, payee_fee=1),  # MATCHED
                half(0x72, 101, 0xC2),  # EXCEPTION_AMOUNT
                purchase(0x73, 60, 0xA2, CHARGEBACK, ref=name(0x23), ref_participant=2),
            ]),
            (2, None, [
                purchase(0x71, 1200, 0xC3, CAPTURE, ref=name(0x63), payer_fee=4),
                act(0x72, AFFIRM, 3, of=0x72, ref_participant=1),
                back(0x73, 1100000, flags=QUEUE, timeout_s=60),
            ]),
            (10, None, [act(0x71, AFFIRM, 0, of=0x65, payee=0, ref_participant=1)]),
        ],
    },
    {"timestamp_ms": 1763856011000, "proposer": 0, "batches": [(1, None, [transfer(0x81, 9)])]},
    {"timestamp_ms": 1763863200500, "proposer": 1, "batches": []},
    {"timestamp_ms": 1763863300000, "proposer": 0, "batches": [], "bodies": [propose_again]},
]

# The network goes on under another document, which continues the last of these, with one validator
# more than it began with; then it has one more block.
CONTINUED_MS = 1763870000000
CONTINUED_VALIDATORS = [
    validator(31, 2, "river"),
    validator(32, 1, "harbour"),
    validator(33, 10, "junction"),
    validator(34, 10, "second"),
    validator(35, 1, "third"),
]
AFTER = {"timestamp_ms": 1763870001000, "proposer": 4, "batches": [(1, None, [transfer(0x91, 5)])]}
