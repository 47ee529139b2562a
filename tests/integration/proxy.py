"""Wires between the nodes of a network that a test can cut, hold, delay and damage.

Every ordered pair of validators has a wire of its own: node i's config.ini names, instead of the
address of node j, a port of the proxy. Both directions of a connection over it are set apart, and a
setting for the direction from i to j holds for whichever of the two has dialled.

    held       no byte of this direction arrives, new connections included, but nobody is told: the
               other side sees an open connection. What waits arrives when the wire is let go
    refused    every connection of the pair is reset, and every new one too
    delay      seconds that every byte takes
    cut_after  so many bytes more arrive, then the connection ends in the middle
    flip_after so many bytes more arrive, then one bit is wrong
"""

import asyncio
import contextlib
import socket
import struct
import threading

CHUNK = 65536
QUEUE_CHUNKS = 256
POLL_SECONDS = 0.01


class Direction:
    """What happens to the bytes from one node to another."""

    def __init__(self):
        self.clear()
        self.passed = 0

    def clear(self):
        self.held, self.refused, self.delay = False, False, 0
        self.cut_after = self.flip_after = None

    def damage(self, data):
        """The bytes that arrive instead of data, and whether the connection ends after them."""
        if self.flip_after is not None:
            at, self.flip_after = self.flip_after, self.flip_after - len(data)
            if at < len(data):
                data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
                self.flip_after = None
        if self.cut_after is not None:
            at, self.cut_after = self.cut_after, self.cut_after - len(data)
            if at < len(data):
                self.cut_after = None
                return data[:at], True
        return data, False


class Wires(threading.Thread):
    """The proxy of a whole network; made before its first start."""

    def __init__(self, network, edit_peer):
        super().__init__(daemon=True)
        self.pairs = [(i, j) for i in range(network.count) for j in range(network.count) if i != j]
        self.directions = {pair: Direction() for pair in self.pairs}
        self.connections = {pair: set() for pair in self.pairs}
        self.loop = asyncio.new_event_loop()
        self.servers = []
        for i, j in self.pairs:
            listener = socket.create_server(("127.0.0.1", 0))
            edit_peer(i, j, f"tcp://127.0.0.1:{listener.getsockname()[1]}")
            accept = self.acceptor(i, j, network.port + j)
            self.servers.append((accept, listener))
        self.start()

    def run(self):
        asyncio.set_event_loop(self.loop)
        for accept, listener in self.servers:
            self.loop.run_until_complete(asyncio.start_server(accept, sock=listener, limit=CHUNK))
        self.loop.run_forever()

    def acceptor(self, i, j, port):
        async def accept(reader, writer):
            there = None
            if not self.directions[i, j].refused:
                with contextlib.suppress(OSError):
                    there = await asyncio.open_connection("127.0.0.1", port, limit=CHUNK)
            if there is None:
                reset(writer)
                return
            writers = (writer, there[1])
            self.connections[i, j].add(writers)
            await asyncio.gather(self.carry(reader, there[1], writers, self.directions[i, j]),
                                 self.carry(there[0], writer, writers, self.directions[j, i]))
            self.connections[i, j].discard(writers)
        return accept

    async def carry(self, reader, writer, writers, direction):
        """Bytes from reader to writer until one of them ends; then the whole connection ends."""
        queue = asyncio.Queue(QUEUE_CHUNKS)
        arriving = self.loop.create_task(self.arrive(queue, writer, writers, direction))
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await queue.put((self.loop.time() + direction.delay, data))
        await queue.put((0, None))
        await arriving

    async def arrive(self, queue, writer, writers, direction):
        ended = False
        while True:
            due, data = await queue.get()
            if data is None:
                break
            while not ended and (direction.held or self.loop.time() < due):
                await asyncio.sleep(min(POLL_SECONDS, max(due - self.loop.time(), 0.001))
                                    if not direction.held else POLL_SECONDS)
                ended = writer.is_closing()
            if ended or writer.is_closing():
                continue
            data, ended = direction.damage(data)
            direction.passed += len(data)
            with contextlib.suppress(OSError):
                writer.write(data)
                await writer.drain()
            if ended:
                break
        for each in writers:
            each.close()
        while data is not None:  # the reader ends too, now that its side is closed
            _, data = await queue.get()

    # What a test does

    def between(self, numbers):
        """The pairs among the nodes, both ways."""
        return [pair for pair in self.pairs if pair[0] in numbers and pair[1] in numbers]

    def across(self, numbers):
        """The pairs from one of the nodes to another node: this way only."""
        return [pair for pair in self.pairs if pair[0] in numbers and pair[1] not in numbers]

    def both(self, pairs):
        return sorted({*pairs, *((j, i) for i, j in pairs)})

    def set(self, pairs, **settings):
        for pair in pairs:
            for name, value in settings.items():
                assert hasattr(self.directions[pair], name), name
                setattr(self.directions[pair], name, value)

    def cut(self, pairs):
        """Both ways: resets what there is, refuses what comes."""
        self.set(self.both(pairs), refused=True)
        self.reset(pairs)

    def reset(self, pairs):
        """Ends the connections that there are; new ones may be made."""
        def end():
            for pair in self.both(pairs):
                for writers in list(self.connections[pair]):
                    for writer in writers:
                        reset(writer)
        self.loop.call_soon_threadsafe(end)

    def heal(self):
        for direction in self.directions.values():
            direction.clear()


def reset(writer):
    """Ends a connection without a goodbye."""
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
