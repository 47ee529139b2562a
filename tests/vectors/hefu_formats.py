"""The formats of docs/formats.md, again: in Python's standard library, nothing shared with C.

The layouts are not written down here. They are read from the tables of docs/formats.md, so that
the page, the frozen examples and the C program cannot drift apart.
"""

import hashlib
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ZERO = bytes(32)


class Mismatch(Exception):
    """Something differs from what it should be."""


def H(purpose, data):
    return hashlib.blake2b(data, digest_size=32, person=purpose.encode()).digest()


# --- layouts, from the page ---------------------------------------------------------------------

WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "u128": 16, "i32": 4, "i64": 8}


class Layout:
    """Fields of a fixed layout: name -> (offset, width)."""

    def __init__(self, title, fields, size=None):
        self.title, self.fields, at = title, {}, 0
        for offset, name, width in fields:
            if offset != at:
                raise Mismatch(f"docs/formats.md, {title}: {name} stands at {offset}, not at {at}")
            if name != "reserved" and name in self.fields:
                raise Mismatch(f"docs/formats.md, {title}: {name} stands there twice")
            self.fields[name if name != "reserved" else f"reserved@{at}"] = (offset, width)
            at += width
        self.size = at
        if size is not None and at != size:
            raise Mismatch(f"docs/formats.md, {title}: {at} bytes, not {size}")

    def pack(self, **values):
        out = bytearray(self.size)
        for name, value in values.items():
            offset, width = self.fields[name]
            if isinstance(value, str):
                value = value.encode()
            if isinstance(value, int):
                value = value.to_bytes(width, "little", signed=value < 0)
            if len(value) > width:
                raise Mismatch(f"{self.title}: {name} does not fit {width} bytes")
            out[offset : offset + len(value)] = value
        missing = [n for n in self.fields if n not in values and not n.startswith("reserved@")]
        if missing:
            raise Mismatch(f"{self.title}: no value for {', '.join(missing)}")
        return bytes(out)

    def at(self, data, name):
        offset, width = self.fields[name]
        return data[offset : offset + width]

    def number(self, data, name, signed=False):
        return int.from_bytes(self.at(data, name), "little", signed=signed)


def _page():
    with open(os.path.join(ROOT, "docs", "formats.md"), encoding="utf-8") as file:
        return file.read()


PAGE = _page()


def table_layout(title, before, size):
    """The first table with an offset column after the text `before`."""
    start = PAGE.find(before)
    if start < 0:
        raise Mismatch(f"docs/formats.md does not contain {before!r}")
    fields, inside = [], False
    for line in PAGE[start:].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| offset"):
            inside = True
        elif inside and not line.startswith("|"):
            break
        elif inside and re.fullmatch(r"\d+", cells[0]):
            fields.append((int(cells[0]), cells[1].strip('`"'), int(cells[2])))
    return Layout(title, fields, size)


def line_layout(title, before, size):
    """A layout in a sentence: `0 kind u16, 2 reserved u16, 4 name 32 ...` up to a full stop."""
    start = PAGE.find(before)
    if start < 0:
        raise Mismatch(f"docs/formats.md does not contain {before!r}")
    text = PAGE[start + len(before) :].split("\n\n")[0]
    text = re.sub(r"\([^)]*\)", "", text).replace("\n", " ")
    fields, at = [], 0
    while True:
        match = re.search(rf"\b{at} ([a-z_]+) (u128|u16|u32|u64|u8|i32|i64|\d+)\b", text)
        if not match or at == size:
            break
        width = WIDTHS.get(match.group(2)) or int(match.group(2))
        fields.append((at, match.group(1), width))
        text, at = text[match.end() :], at + width
    return Layout(title, fields, size)


RECORD = table_layout("clearing record", "## Clearing record", 160)
BATCH = table_layout("batch header", "**Batch header**", 192)
BLOCK = table_layout("block header", "**Block header**", 352)
PREIMAGE = table_layout("vote preimage", "## Vote preimage", 128)
GENESIS = table_layout("genesis head", "## Genesis", 328)
PARAMETERS = line_layout("parameters", "**Parameters**, 144 bytes:", 16)
POLICY = line_layout("policy", "**policies** of 16 bytes", 16)
CURRENCY = line_layout("currency", "**Currency**", 8)
PARTICIPANT = table_layout("participant", "**Participant**", 144)
LIMIT = line_layout("limit", "**Limit**", 16)
SERVICE = line_layout("service", "**Service**", 56)
SCHEME = line_layout("scheme", "**Scheme**", 80)
FEE_RULE = line_layout("fee rule", "**Fee rule**, 40 bytes:", 40)
CALENDAR = line_layout("calendar", "**Calendar**", 44)
VALIDATOR = line_layout("validator", "**Validator**", 104)
ACTION_HEAD = line_layout("action head", "**Action head**", 8)
CHANGE = table_layout("change", "- VALIDATORS: the head", 136)
ACTION_ROW = table_layout("action row", "**ACTIONS** value", 80)
LEAF = table_layout("account leaf", "**Account leaf**", 136)
PAGE_HEAD = table_layout("page head", "Head, 104 bytes", 104)
PAGE_ENTRY = table_layout("page entry", "entries of 16 bytes", 16)
CYCLE = line_layout("cycle", "**CYCLES** value", 144)
VOTE_ROW = line_layout("vote row", "**Vote**, 128 bytes", 128)
CERTIFICATE_ROW = line_layout("certificate row", "**Certificate**:", 80)
FINAL_ROW = line_layout("final point", '**Final point**, meta row `"final"`, 56 bytes', 56)

KEY_FILE = table_layout("key file", "**Key file**", 144)
REGISTER = table_layout("vote register", "**Vote register**", 4096)

_KINDS = PAGE[PAGE.find("\nKinds: ") : PAGE.find("A record's *position*")]
KINDS = {name: int(number) for number, name in re.findall(r"\b(\d+)\s+([A-Z_]{3,})\b", _KINDS)}


def u16(value):
    return value.to_bytes(2, "little")


def u32(value):
    return value.to_bytes(4, "little")


def u64(value):
    return value.to_bytes(8, "little")


def u128(value):
    return value.to_bytes(16, "little")


def be16(value):
    return value.to_bytes(2, "big")


def be32(value):
    return value.to_bytes(4, "big")


def be64(value):
    return value.to_bytes(8, "big")


# --- trees --------------------------------------------------------------------------------------


def leaf(data):
    return H("hefu.leaf", data)


def node(left, right):
    return H("hefu.node", left + right)


def split_of(count):
    split = 1
    while split * 2 < count:
        split *= 2
    return split


def root_of_hashes(hashes):
    if not hashes:
        return ZERO
    if len(hashes) == 1:
        return hashes[0]
    split = split_of(len(hashes))
    return node(root_of_hashes(hashes[:split]), root_of_hashes(hashes[split:]))


def tree(datas):
    """The root over leaves with these data."""
    return root_of_hashes([leaf(data) for data in datas])


def path(datas, index):
    """The inclusion path of a leaf, from the leaf upwards."""
    hashes = [leaf(data) for data in datas]

    def walk(part, at):
        if len(part) == 1:
            return []
        split = split_of(len(part))
        if at < split:
            return walk(part[:split], at) + [root_of_hashes(part[split:])]
        return walk(part[split:], at - split) + [root_of_hashes(part[:split])]

    return walk(hashes, index)


def frontier(datas):
    """The roots of the complete subtrees, lowest first, as the STATE row keeps them."""
    hashes, out, at = [leaf(data) for data in datas], [], 0
    for bit in reversed(range(64)):
        if len(hashes) >> bit & 1:
            out.append(root_of_hashes(hashes[at : at + (1 << bit)]))
            at += 1 << bit
    return list(reversed(out))


# --- records, batches, blocks -------------------------------------------------------------------


def record_hash(record):
    return H("hefu.record", record)


def records_root(records):
    return tree([record_hash(record) for record in records])


def body_root(body):
    return tree([H("hefu.action", body)])


def batch_id(header):
    return H("hefu.batch", header)


def batch_signed(header):
    return b"hefu batch v1\0\0\0" + header


def verdict_vector_root(verdicts):
    chunks = [verdicts[at : at + 32] for at in range(0, len(verdicts), 32)]
    return tree([b"".join(u16(verdict) for verdict in chunk) for chunk in chunks])


def block_hash(header):
    return H("hefu.block", header)


# --- votes and validators -----------------------------------------------------------------------

NOTARIZE, NULLIFY, FINALIZE = 1, 2, 3


def digest(kind, parent_view, block):
    return ZERO if kind == NULLIFY else H("hefu.candidate", u64(parent_view) + block)


def preimage(kind, epoch, view, parent_view, block, chain_id, set_hash):
    return PREIMAGE.pack(
        HEFUVOTE=b"HEFUVOTE",
        version=1,
        kind=kind,
        epoch=epoch,
        view=view,
        chain_id=chain_id,
        validator_set_hash=set_hash,
        digest=digest(kind, parent_view, block),
    )


def validator_set_hash(members):
    """members: (key, transport_key, participant) by index."""
    return H("hefu.validators", u32(len(members)) + b"".join(k + t + u32(p) for k, t, p in members))


def faulty_max(count):
    return (count - 1) // 3


def quorum(count):
    return (count + faulty_max(count)) // 2 + 1


def leaders(set_hash, epoch, count):
    def stream():
        counter = 0
        while True:
            block = H("hefu.leaders", set_hash + u64(epoch) + u64(counter))
            for at in range(0, 32, 8):
                yield int.from_bytes(block[at : at + 8], "little")
            counter += 1

    numbers, perm = stream(), list(range(count))
    for i in range(count - 1, 0, -1):
        number = next(numbers)
        while number >= 2**64 // (i + 1) * (i + 1):
            number = next(numbers)
        j = number % (i + 1)
        perm[i], perm[j] = perm[j], perm[i]
    return perm


# --- genesis, accounts --------------------------------------------------------------------------


def participant_bytes(p):
    fields = {k: v for k, v in p.items() if k != "keys"}
    head = PARTICIPANT.pack(key_count=len(p["keys"]), **fields)
    return head + b"".join(u32(k["key_no"]) + u32(k["permissions"]) + k["key"] for k in p["keys"])


def service_bytes(s):
    fields = {k: v for k, v in s.items() if k != "cutoffs"}
    head = SERVICE.pack(cutoff_count=len(s["cutoffs"]), **fields)
    return head + b"".join(u16(minute) for minute in s["cutoffs"])


def scheme_bytes(s):
    fields = {k: v for k, v in s.items() if k != "fee_rules"}
    head = SCHEME.pack(fee_rule_count=len(s["fee_rules"]), **fields)
    return head + b"".join(FEE_RULE.pack(**rule) for rule in s["fee_rules"])


def calendar_bytes(c):
    days = ("holidays", "workdays")
    counts = {"holiday_count": len(c["holidays"]), "workday_count": len(c["workdays"])}
    head = CALENDAR.pack(**counts, **{k: v for k, v in c.items() if k not in days})
    return head + b"".join(u32(day) for name in days for day in c[name])


def parameters_bytes(p):
    head = PARAMETERS.pack(**{k: v for k, v in p.items() if k != "policies"})
    return head + b"".join(POLICY.pack(**policy) for policy in p["policies"])


GENESIS_LISTS = {
    "currencies": "currency_count",
    "participants": "participant_count",
    "limits": "limit_count",
    "services": "service_count",
    "schemes": "scheme_count",
    "calendars": "calendar_count",
    "validators": "validator_count",
}


def genesis_bytes(g):
    head = {name: value for name, value in g.items() if name not in GENESIS_LISTS}
    head["parameters"] = parameters_bytes(g["parameters"])
    counts = {count: len(g[name]) for name, count in GENESIS_LISTS.items()}
    out = GENESIS.pack(version=3, **head, **counts)
    out += b"".join(CURRENCY.pack(**c) for c in g["currencies"])
    out += b"".join(participant_bytes(p) for p in g["participants"])
    out += b"".join(LIMIT.pack(**l) for l in g["limits"])
    out += b"".join(service_bytes(s) for s in g["services"])
    out += b"".join(scheme_bytes(s) for s in g["schemes"])
    out += b"".join(calendar_bytes(c) for c in g["calendars"])
    return out + b"".join(VALIDATOR.pack(**v) for v in g["validators"])


def chain_id(g):
    return H("hefu.genesis", genesis_bytes(g))


CLASSES = {"SETTLEMENT": 1, "POSITION": 2, "COLLATERAL": 3, "CLAIM": 4}
CLASSES |= {"CASH": 5, "PAYOUT": 6, "NETTING": 7, "FUND": 8}


def page_chain(head, page):
    return H("hefu.page", head + page)


def rows_digest(table, rows):
    """Of a small table, whole: rows is {key: value}."""
    ordered = b"".join(key + rows[key] for key in sorted(rows))
    return H("hefu.table", u32(table) + u32(len(rows)) + ordered)


def writes_digest(previous, rows):
    """Of a table that grows: rows is a list of key + value."""
    return H("hefu.writes", previous + b"".join(rows)) if rows else previous


# --- Ed25519 (RFC 8032, section 5.1), slow and plain --------------------------------------------

_P = 2**255 - 19
_Q = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P


def _add(a, b):
    x = (a[1] - a[0]) * (b[1] - b[0]) % _P
    y = (a[1] + a[0]) * (b[1] + b[0]) % _P
    t, z = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = y - x, z - t, z + t, y + x
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _multiply(scalar, point):
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point, scalar = _add(point, point), scalar >> 1
    return total


def _recover_x(y, sign):
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    return _P - x if x & 1 != sign else x


_BY = 4 * pow(5, _P - 2, _P) % _P
_BX = _recover_x(_BY, 0)
_BASE = (_BX, _BY, 1, _BX * _BY % _P)


def _compress(point):
    inverse = pow(point[2], _P - 2, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _expand(seed):
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    return scalar, digest[32:]


def _mod_q(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % _Q


def public_key(seed):
    return _compress(_multiply(_expand(seed)[0], _BASE))


def sign(seed, message):
    scalar, prefix = _expand(seed)
    public = _compress(_multiply(scalar, _BASE))
    nonce = _mod_q(prefix, message)
    point = _compress(_multiply(nonce, _BASE))
    return point + ((nonce + _mod_q(point, public, message) * scalar) % _Q).to_bytes(32, "little")
