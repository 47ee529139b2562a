"""The example chain of check.py: a genesis with three participants, and eight blocks, over two
epochs.

Every record of the blocks is posted unless a comment names its verdict. Keys come from seeds that
anybody can compute: they are for this example only.
"""

import hefu_actions as a
import hefu_formats as f

FUND, CLEAR, PAY, REFUND = (f.KINDS[name] for name in ("FUND", "CLEAR", "PAY", "REFUND"))
LINKED = 1  # flag


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
        "keys": [{"key_no": 1, "permissions": 3, "key": key_of(number)}],
    }


def limit(participant, flags, cap):
    return {"participant": participant, "currency": 156, "flags": flags, "cap": cap}


def service(number, currency, mode, settlement, name, window, cutoffs):
    return {
        "number": number,
        "currency": currency,
        "mode": mode,
        "settlement": settlement,
        "name": name,
        "funding_window_s": window,
        "cutoffs": cutoffs,
    }


def scheme(number, service, submitters, network, hold, match, name):
    return {
        "number": number,
        "service": service,
        "submitters": submitters,
        "confirmations": 1,
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
    "delta_ms": 400,
    "block_interval_ms": 0,
    "empty_interval_ms": 30000,
    "block_records": 32768,
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
        service(7, 840, 1, 2, "cards abroad", 7200, [1439]),
    ],
    "schemes": [
        scheme(1, 1, 2 | 4, 10, 604800, 3600, "debit purchase"),
        scheme(2, 2, 1, 0, 0, 0, "transfer"),
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
]
