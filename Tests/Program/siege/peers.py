"""Clients of a siege: raw sockets that do what no browser does and know exactly what came back."""

import fcntl
import select
import socket
import struct
import termios
import time

from conftest import PATIENCE, until

PIECE = 64 * 1024


class Ended(Exception):
    """The connection ended before a byte of the answer came."""


class Cut(Exception):
    """The connection ended in the middle of an answer."""


class Answer:
    def __init__(self, head: bytes):
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        self.fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        self.body = b""


def connect(address: tuple[str, int], receive_buffer: int = 0) -> socket.socket:
    """`receive_buffer` bounds what the system takes while nobody reads."""
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(PATIENCE)
    connection.connect(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def reset(connection: socket.socket):
    """Leaves without a word: the system sends RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def get(path: str, *fields: str) -> bytes:
    return request("GET", path, *fields)


def request(method: str, path: str, *fields: str, body: bytes | None = None) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: siege", *fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines + ["", ""]).encode() + (body or b"")


class Peer:
    """One connection whose calls wait."""

    def __init__(self, address: tuple[str, int], receive_buffer: int = 0):
        self.socket = connect(address, receive_buffer)
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes):
        self.socket.sendall(data)

    def ask(self, data: bytes) -> Answer:
        self.send(data)
        return self.answer()

    def answer(self) -> Answer:
        """The next whole answer, an interim one too.

        Raises `Ended` when the connection ends before it and `Cut` when it ends in it."""
        head = self._until(b"\r\n\r\n", fresh=True)
        answer = Answer(head[:-4])
        if answer.status < 200 or answer.status in (204, 304):
            return answer
        if "content-length" in answer.fields:
            answer.body = self._take(int(answer.fields["content-length"]))
        elif answer.fields.get("transfer-encoding") == "chunked":
            answer.body = b"".join(self.chunks())
        else:
            raise AssertionError(f"an answer without an end: {head!r}")
        return answer

    def head(self) -> Answer:
        """The next answer without its body."""
        return Answer(self._until(b"\r\n\r\n", fresh=True)[:-4])

    def chunks(self):
        """The chunks of a body as they come; the last chunk ends them. Raises `Cut` without one."""
        while True:
            size = int(self._until(b"\r\n")[:-2], 16)
            chunk = self._take(size + 2)
            assert chunk.endswith(b"\r\n"), chunk[-10:]
            if size == 0:
                return
            yield chunk[:-2]

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        while self._fill():
            pass
        rest, self.received = self.received, b""
        return rest

    def _until(self, mark: bytes, fresh: bool = False) -> bytes:
        while mark not in self.received:
            if not self._fill():
                raise Ended() if fresh and not self.received else Cut(self.received[-200:])
        end = self.received.index(mark) + len(mark)
        taken, self.received = self.received[:end], self.received[end:]
        return taken

    def _take(self, count: int) -> bytes:
        while len(self.received) < count:
            if not self._fill():
                raise Cut(self.received[-200:])
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    def _fill(self) -> bool:
        try:
            data = self.socket.recv(PIECE)
        except ConnectionError:
            return False
        self.received += data
        return bool(data)


class Member:
    """One connection of a crowd."""

    def __init__(self, connection: socket.socket):
        self.socket = connection
        self.waiting = b""
        self.endless = b""
        self.sent = 0
        self.received = bytearray()
        self.received_count = 0
        self.begun_at: float | None = None
        self.answered_at: float | None = None
        self.ended_at: float | None = None

    @property
    def status(self) -> int | None:
        return Answer(bytes(self.received)).status if self.received.startswith(b"HTTP/1.1 ") else None


class Crowd:
    """Many connections, driven by one thread that never waits for any single one."""

    # What is kept of what each receives.
    KEPT = 16 * 1024

    def __init__(self, address: tuple[str, int], count: int, receive_buffer: int = 0, reads: bool = True):
        self.reads = reads
        self.poll = select.epoll()
        self.members: list[Member] = []
        self._by_descriptor: dict[int, Member] = {}
        self.grow(address, count, receive_buffer=receive_buffer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave()

    def join(self, connection: socket.socket) -> Member:
        connection.setblocking(False)
        member = Member(connection)
        self.members.append(member)
        self._by_descriptor[connection.fileno()] = member
        self.poll.register(connection, self._interest(member))
        return member

    def grow(self, address: tuple[str, int], count: int, words: bytes = b"", receive_buffer: int = 0):
        members = [self.join(connect(address, receive_buffer)) for _ in range(count)]
        self.send(words, to=members)

    def send(self, data: bytes, endless: bytes = b"", to: list[Member] | None = None):
        """Sends `data` and then, if given, `endless` for ever, each as fast as it is taken."""
        for member in self.members if to is None else to:
            member.waiting += data
            member.endless = endless
            self._watch(member)

    def turn(self, seconds: float = 0.01):
        """Carries on with whoever can carry on."""
        for descriptor, news in self.poll.poll(seconds):
            member = self._by_descriptor[descriptor]
            if news & select.EPOLLIN and self.reads:
                self._receive(member)
            elif news & (select.EPOLLHUP | select.EPOLLERR):
                self._end(member)
            if news & select.EPOLLOUT and member.ended_at is None:
                self._send(member)

    def until(self, what: str, condition):
        def ask():
            self.turn()
            return condition()

        until(what, ask)

    @property
    def open(self) -> list[Member]:
        return [member for member in self.members if member.ended_at is None]

    @property
    def is_sent(self) -> bool:
        """All is sent, and the other side's system has it."""
        return not any(member.waiting or unacknowledged(member.socket) for member in self.open)

    def leave(self, by_reset: bool = False):
        for member in self.members:
            if by_reset and member.ended_at is None:
                reset(member.socket)
            member.socket.close()
        self.poll.close()

    def drop(self, member: Member, by_reset: bool = False):
        """This one leaves."""
        if member.ended_at is None:
            self._end(member)
        if by_reset:
            reset(member.socket)
        member.socket.close()

    def _interest(self, member: Member) -> int:
        wants_out = select.EPOLLOUT if member.waiting or member.endless else 0
        return wants_out | (select.EPOLLIN if self.reads else 0)

    def _watch(self, member: Member):
        if member.ended_at is None:
            self.poll.modify(member.socket, self._interest(member))

    def _send(self, member: Member):
        try:
            while member.waiting or member.endless:
                if not member.waiting:
                    member.waiting = member.endless
                count = member.socket.send(member.waiting)
                member.waiting = member.waiting[count:]
                member.sent += count
                member.begun_at = member.begun_at or time.monotonic()
                if count < PIECE and member.endless:
                    break
        except BlockingIOError:
            return
        except ConnectionError:
            # What came before the reset is still there to be read.
            while member.ended_at is None:
                self._receive(member)
            return
        self._watch(member)

    def _receive(self, member: Member):
        try:
            data = member.socket.recv(PIECE)
        except BlockingIOError:
            return
        except ConnectionError:
            return self._end(member)
        if not data:
            return self._end(member)
        member.answered_at = member.answered_at or time.monotonic()
        member.received_count += len(data)
        member.received += data[: self.KEPT - len(member.received)]

    def _end(self, member: Member):
        if member.ended_at is None:
            member.ended_at = time.monotonic()
            self.poll.unregister(member.socket)


def unacknowledged(connection: socket.socket) -> int:
    """Bytes that the other side's system has not taken."""
    answer = fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4)
    return struct.unpack("i", answer)[0]
