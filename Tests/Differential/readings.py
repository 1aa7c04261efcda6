"""The same bytes as read by Perch and by llhttp, in one shape, and the first place where the two part."""

import dataclasses
import json
import os
import pathlib
import struct
import subprocess

import httptools

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROBE = os.environ.get("PERCH_REQUEST_PROBE", str(ROOT / ".build/debug/RequestProbe"))
BLANKS = b" \t"
# What llhttp says of bytes after a request that closes the connection. Both are done there.
AFTER_CLOSE = "Data after `Connection: close`"


@dataclasses.dataclass
class Request:
    """One request as far as it was read. Perch's target is put together again from its parts by `llhttp_view`."""

    method: bytes = b""
    target: bytes = b""
    version: str = ""
    fields: list = dataclasses.field(default_factory=list)
    hosts: list = dataclasses.field(default_factory=list)
    body: bytes = b""
    keep_alive: bool = True
    has_head: bool = False
    is_complete: bool = False
    trailers: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Reading:
    requests: list
    # Why the rest was refused; None when more bytes are awaited or the connection ends in peace.
    refusal: str | None = None
    # llhttp stops at an upgrade and leaves the rest to another protocol.
    is_handed_over: bool = False
    # The input was refused by Perch only after it was completed with line ends.
    is_refused_at_line_end: bool = False
    # What Perch read when the input came in pieces, if that differs.
    in_pieces: list | None = None

    def step(self, index: int) -> tuple[str, Request | None]:
        """`complete`, `refused` or `waiting`, and the request at that place as far as it was read."""
        request = self.requests[index] if index < len(self.requests) else None
        if request and request.is_complete:
            return "complete", request
        return ("refused" if self.refusal else "waiting"), request


# Perch


def vectors() -> list[dict]:
    lines = subprocess.run([PROBE, "--vectors"], check=True, capture_output=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def read_by_perch(inputs: list[list[bytes]]) -> list[Reading]:
    """Each input is a list of pieces."""
    frames = []
    for pieces in inputs:
        frames.append(struct.pack("<I", len(pieces)))
        for piece in pieces:
            frames.append(struct.pack("<I", len(piece)) + piece)
    lines = subprocess.run([PROBE], input=b"".join(frames), check=True, stdout=subprocess.PIPE).stdout.splitlines()
    assert len(lines) == len(inputs), f"{len(inputs)} inputs, {len(lines)} answers"
    readings = []
    for line in lines:
        answer = json.loads(line)
        requests = []
        for request in answer["requests"]:
            requests.append(perch_request(request))
            # The server closes here; what follows is not looked at.
            if requests[-1].is_complete and not requests[-1].keep_alive:
                answer["refusal"] = None
                break
        readings.append(Reading(requests, answer.get("refusal"), in_pieces=answer.get("cut")))
    return readings


def perch_request(answer: dict) -> Request:
    authority = answer.get("authority")
    return Request(
        method=answer["method"].encode("latin-1"),
        target=answer["path"].encode("latin-1"),
        version=answer["version"],
        fields=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer["fields"]],
        hosts=[] if authority is None else [authority.encode("latin-1")],
        body=answer["body"].encode("latin-1"),
        keep_alive=answer["keepAlive"],
        has_head=True,
        is_complete=answer["isComplete"],
    )


# llhttp


class Recorder:
    """httptools calls these as llhttp goes along."""

    def __init__(self):
        self.requests = []
        self.parser = httptools.HttpRequestParser(self)

    def on_message_begin(self):
        self.current = Request()
        self.requests.append(self.current)

    def on_url(self, url: bytes):
        self.current.target += url
        self.current.method = self.parser.get_method()

    def on_header(self, name: bytes, value: bytes):
        if self.current.has_head:
            self.current.trailers.append((name, value))
        elif name.lower() == b"host":
            self.current.hosts.append(value)
        else:
            self.current.fields.append((name, value))

    def on_headers_complete(self):
        self.current.has_head = True
        self.current.version = self.parser.get_http_version()
        self.current.keep_alive = self.parser.should_keep_alive()

    def on_body(self, body: bytes):
        self.current.body += body

    def on_message_complete(self):
        self.current.is_complete = True
        # After the trailers this may differ from what it was after the head.
        self.current.keep_alive = self.parser.should_keep_alive()


def read_by_llhttp(data: bytes) -> Reading:
    recorder = Recorder()
    reading = Reading(recorder.requests)
    try:
        recorder.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        reading.is_handed_over = True
    except httptools.HttpParserError as error:
        if str(error) != AFTER_CLOSE:
            reading.refusal = str(error) or type(error).__name__
    return reading


def start_of_request(data: bytes, index: int) -> int:
    """Where llhttp has read `index` requests to their end. Slow: byte by byte."""
    recorder = Recorder()
    for position in range(len(data)):
        if sum(request.is_complete for request in recorder.requests) == index:
            return position
        try:
            recorder.parser.feed_data(data[position : position + 1])
        except httptools.HttpParserError:
            break
    return len(data)


# Comparison


def llhttp_view(request: Request) -> Request:
    """llhttp's request with what Perch takes apart taken apart: the parts of an absolute target, blanks after values."""
    target, hosts = request.target, [host.strip(BLANKS) for host in request.hosts]
    if target.lower().startswith((b"http://", b"https://")):
        after_scheme = target.split(b"//", 1)[1]
        end = min((after_scheme.find(mark) % (len(after_scheme) + 1) for mark in (b"/", b"?")))
        hosts = hosts or [after_scheme[:end]]
        target = after_scheme[end:]
        if not target.startswith(b"/"):
            target = b"/" + target
    fields = [(name, value.strip(BLANKS)) for name, value in request.fields]
    return dataclasses.replace(request, target=target, hosts=hosts, fields=fields, trailers=[])


@dataclasses.dataclass
class CutDependence:
    """Perch read the pieces unlike the whole. No class allows that."""

    pieces: list
    whole: Reading


@dataclasses.dataclass
class Difference:
    """The first request that the two take differently."""

    # From the end of the request before.
    data: bytes
    # `complete`, `refused` or `waiting`.
    perch: str
    llhttp: str
    # Status and code; None if Perch takes the request.
    perch_refusal: str | None
    llhttp_refusal: str | None
    # Perch hands out a request once its head is whole.
    perch_request: Request | None
    # As far as llhttp read before it refused or ran out of bytes.
    llhttp_request: Request
    is_handed_over: bool
    is_refused_at_line_end: bool


def are_alike(step: str, ours: Request | None, theirs: Request | None) -> bool:
    whole = theirs if theirs and theirs.has_head else None
    if ours and whole:
        return ours == llhttp_view(whole)
    # Of two refusals one may come with the head and the other in the body.
    return step == "refused" or (ours is None and whole is None)


def first_difference(data: bytes, perch: Reading, llhttp: Reading) -> Difference | None:
    for index in range(max(len(perch.requests), len(llhttp.requests)) + 1):
        our_step, ours = perch.step(index)
        their_step, theirs = llhttp.step(index)
        is_handed_over = llhttp.is_handed_over and index == len(llhttp.requests) - 1
        if our_step == their_step and are_alike(our_step, ours, theirs):
            if our_step != "complete" or not ours.keep_alive:
                return None
            if not is_handed_over:
                continue
            if index == len(perch.requests) - 1 and not perch.refusal:
                return None
        return Difference(
            data=data[start_of_request(data, index) :],
            perch=our_step,
            llhttp=their_step,
            perch_refusal=perch.refusal if our_step == "refused" else None,
            llhttp_refusal=llhttp.refusal if their_step == "refused" else None,
            perch_request=ours,
            llhttp_request=theirs or Request(),
            is_handed_over=is_handed_over,
            is_refused_at_line_end=perch.is_refused_at_line_end,
        )
    return None
