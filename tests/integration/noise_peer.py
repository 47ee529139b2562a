"""One hand-made end of a link to a node: docs/transport.md again, in Python's standard library.

For tests that must say what no correct program says. Slow, and not constant in time.
"""

import hashlib
import hmac
import os
import pathlib
import socket
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "vectors"))
import hefu_formats as formats  # noqa: E402  pylint: disable=C0413

PROTOCOL = b"Noise_XK_25519_ChaChaPoly_SHA256"
P25519 = 2**255 - 19
P1305 = 2**130 - 5
CLASS_VOTE, CLASS_PROPOSAL, CLASS_BATCH, CLASS_CATCHUP, CLASS_QUERY, PING = 0, 1, 2, 3, 4, 127
BODY_MAX = 65519
SUBMIT, AWAIT, NODE_STATUS, ACCEPTED, REFUSED, PENDING, STATUS_REPORT = 3, 4, 5, 7, 8, 10, 12


def x25519(secret, point=(9).to_bytes(32, "little")):
    """RFC 7748."""
    k = int.from_bytes(secret, "little") & ~7 & (2**255 - 1) | 2**254
    u = int.from_bytes(point, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for bit in range(254, -1, -1):
        this = k >> bit & 1
        if swap ^ this:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = this
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        x3, z3 = (da + cb) ** 2 % P25519, u * (da - cb) ** 2 % P25519
        e = (aa - bb) % P25519
        x2, z2 = aa * bb % P25519, e * (aa + 121665 * e) % P25519
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P25519 - 2, P25519) % P25519).to_bytes(32, "little")


def _quarter(s, a, b, c, d):
    for (i, j, k, turn) in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[i] = s[i] + s[j] & 0xFFFFFFFF
        x = s[k] ^ s[i]
        s[k] = (x << turn | x >> 32 - turn) & 0xFFFFFFFF


def _block(key, counter, nonce):
    start = list(struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter)
                               + nonce))
    s = start[:]
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                           (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            _quarter(s, a, b, c, d)
    return struct.pack("<16I", *(x + y & 0xFFFFFFFF for x, y in zip(s, start)))


def _stream(key, nonce, data):
    count = (len(data) + 63) // 64
    pad = b"".join(_block(key, 1 + i, nonce) for i in range(count))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(data), "big")


def _tag(key, nonce, extra, sealed):
    one = _block(key, 0, nonce)
    r = int.from_bytes(one[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    text = b"".join(part + bytes(-len(part) % 16) for part in (extra, sealed))
    text += struct.pack("<QQ", len(extra), len(sealed))
    total = 0
    for at in range(0, len(text), 16):
        total = (total + int.from_bytes(text[at : at + 16] + b"\1", "little")) * r % P1305
    total = total + int.from_bytes(one[16:32], "little") & (2**128 - 1)
    return total.to_bytes(16, "little")


class Cipher:
    """CipherState of the Noise specification; ChaCha20-Poly1305 of RFC 8439."""

    def __init__(self, key):
        self.key, self.count = key, 0

    def _nonce(self):
        self.count += 1
        return struct.pack("<IQ", 0, self.count - 1)

    def seal(self, data, extra=b""):
        nonce = self._nonce()
        sealed = _stream(self.key, nonce, data)
        return sealed + _tag(self.key, nonce, extra, sealed)

    def open(self, data, extra=b""):
        nonce = self._nonce()
        if _tag(self.key, nonce, extra, data[:-16]) != data[-16:]:
            raise ValueError("a message does not authenticate")
        return _stream(self.key, nonce, data[:-16])


def hkdf(chaining_key, secret):
    temp = hmac.digest(chaining_key, secret, "sha256")
    first = hmac.digest(temp, b"\1", "sha256")
    return first, hmac.digest(temp, first + b"\2", "sha256")


class Closed(Exception):
    """The node has closed the connection."""


class Peer:
    """A connection to a node, from the first byte on."""

    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.out = self.into = None
        self.sent = b""  # everything, for replays
        self.request = 0

    def close(self):
        self.socket.close()

    def send_raw(self, data):
        self.sent += data
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed from error

    def receive_raw(self, count):
        data = b""
        while len(data) < count:
            try:
                part = self.socket.recv(count - len(data))
            except ConnectionResetError as error:
                raise Closed from error
            if not part:
                raise Closed
            data += part
        return data

    def wait_closed(self):
        """What the node sent until it closed the connection."""
        data = b""
        try:
            while True:
                data += self.receive_raw(1)
        except Closed:
            return data

    # Handshake

    def handshake(self, chain_id, node_key, secret):
        """The three acts as the initiator. Closed if the node does not answer act 1."""
        h = hashlib.sha256(PROTOCOL + b"hefu/1" + chain_id).digest()
        h = hashlib.sha256(h + node_key).digest()
        ephemeral = os.urandom(32)
        h = hashlib.sha256(h + x25519(ephemeral)).digest()
        chaining, key = hkdf(PROTOCOL, x25519(ephemeral, node_key))
        tag = Cipher(key).seal(b"", h)
        h = hashlib.sha256(h + tag).digest()
        self.send_raw(x25519(ephemeral) + tag)

        act = self.receive_raw(48)
        h = hashlib.sha256(h + act[:32]).digest()
        chaining, key = hkdf(chaining, x25519(ephemeral, act[:32]))
        cipher = Cipher(key)
        cipher.open(act[32:], h)
        h = hashlib.sha256(h + act[32:]).digest()

        static = cipher.seal(x25519(secret), h)
        h = hashlib.sha256(h + static).digest()
        chaining, key = hkdf(chaining, x25519(secret, act[:32]))
        self.send_raw(static + Cipher(key).seal(b"", h))
        out, into = hkdf(chaining, b"")
        self.out, self.into = Cipher(out), Cipher(into)

    # Messages and frames

    def send_message(self, body):
        self.send_raw(self.out.seal(struct.pack("<H", len(body))) + self.out.seal(body))

    def receive_message(self):
        length, = struct.unpack("<H", self.into.open(self.receive_raw(18)))
        body = self.into.open(self.receive_raw(length + 16))
        if not body:
            raise Closed
        return body

    def send_frame(self, frame, kind):
        at = 0
        while at < len(frame):
            piece = frame[at : at + BODY_MAX - 5]
            tag = kind | (128 if at > 0 else 0)
            self.send_message(struct.pack("<BI", tag, len(frame) - at) + piece)
            at += len(piece)

    def receive_frame(self):
        """The next frame that fits one message; pings are left out."""
        while True:
            body = self.receive_message()
            while body:
                kind, length = struct.unpack("<BI", body[:5])
                frame, body = body[5 : 5 + length], body[5 + length :]
                if kind != PING:
                    return frame

    # The client protocol (proto/client.proto)

    def ask(self, field, message, kind=CLASS_QUERY):
        """(field number, decoded fields) of the answer to a request."""
        self.request += 1
        frame = (b"\x08\x01" + b"\x11" + struct.pack("<Q", self.request)
                 + bytes([field << 3 | 2]) + varint(len(message)) + message)
        self.send_frame(frame, kind)
        while True:
            answer = decode(self.receive_frame())
            if answer[2][0] == self.request:
                body = next(number for number in answer if number > 2)
                return body, decode(answer[body][0])

    def submit(self, batch):
        return self.ask(SUBMIT, b"\x0a" + varint(len(batch)) + batch, CLASS_BATCH)


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def _read_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def decode(data):
    """Protobuf fields by number, each a list."""
    fields, at = {}, 0
    while at < len(data):
        key, at = _read_varint(data, at)
        if key & 7 == 0:
            value, at = _read_varint(data, at)
        elif key & 7 == 1:
            value, at = struct.unpack("<Q", data[at : at + 8])[0], at + 8
        elif key & 7 == 5:
            value, at = struct.unpack("<I", data[at : at + 4])[0], at + 4
        else:
            length, at = _read_varint(data, at)
            value, at = data[at : at + length], at + length
        fields.setdefault(key >> 3, []).append(value)
    return fields


def record(number, amount, payer, payee):
    """A debit purchase, 160 bytes."""
    values = {field: 0 for field in formats.RECORD.fields if not field.startswith("reserved@")}
    values |= {field: b"" for field in ("ref", "match_key", "details_hash", "reason")}
    values |= {"id": bytes.fromhex(f"01a203fc0000{0xbadd:012x}{number:08x}"),
               "kind": formats.KINDS["CLEAR"], "currency": 156, "business_date": 20261123,
               "scheme": 1, "payer": payer, "payee": payee, "amount": amount}
    return formats.RECORD.pack(**values)


def batch(seed, chain_id, participant, records, created_ms, **changes):
    """A signed batch; changes replace header fields before it is signed."""
    header = formats.BATCH.pack(**({
        "version": 1, "kind": 1, "participant": participant, "key_no": 1, "count": len(records),
        "created_ms": created_ms, "expires_ms": created_ms + 3600 * 1000, "chain_id": chain_id,
        "records_root": formats.records_root(records), "source_hash": bytes(32), "part": 0,
        "parts": 0} | changes))
    return header + formats.sign(seed, formats.batch_signed(header)) + b"".join(records)
