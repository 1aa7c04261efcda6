"""Random changes to requests. The same seed and round always give the same input."""

import random

# What request smuggling is made of.
TOKENS = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b"\r\r\n", b" ", b"\t", b"\0", b"\x0b", b"\x0c", b"\x7f", b"\x80",
    b"\xff", b"\xc2\xa0", b"\xe2\x84\xaa", b"\xc5\xbf",
    b":", b": ", b" :", b",", b", ", b";", b"=", b'"', b"\\", b"/", b"?", b"#", b"*", b"@", b"%", b"%0a", b"//", b"[", b"]",
    b"+", b"-", b"_", b".", b"0", b"1", b"5", b"a", b"F", b"0x", b"0x5", b"00000000000000000000", b"FFFFFFFFFFFFFFFF", b"99999999999",
    b"GET ", b"get ", b"POST ", b"HEAD ", b"OPTIONS * ", b"CONNECT a:1 ", b"PURGE ", b"M-SEARCH ", b"PRI ", b"DESCRIBE ", b"QUERY ",
    b" HTTP/1.1", b" HTTP/1.0", b" HTTP/1.2", b" HTTP/2.0", b" HTTP/0.9", b"HTTP/1.1\r\n", b" RTSP/1.0",
    b"http://a/", b"HTTP://a", b"https://b/", b"ws://a/",
    b"Host: a\r\n", b"Host: b\r\n", b"Host:\r\n", b"\r\nHost: a", b"host: a:80\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"\r\nContent-Length: 5", b"Content-Length: +1\r\n", b"Content-Length : 1\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"\r\nTransfer-Encoding: chunked", b"Transfer-Encoding:\r\n",
    b"transfer-encoding: CHUNKED\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b", chunked", b"chunked", b"chunked, ",
    b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Connection: upgrade\r\nUpgrade: x\r\n", b"Upgrade: websocket\r\n",
    b"Proxy-Connection: close\r\n", b"close", b"keep-alive", b"Expect: 100-continue\r\n", b"Expect: x\r\n", b"X: y\r\n", b"X:\r\n",
    b" folded\r\n", b"\tfolded\r\n",
    b"0\r\n\r\n", b"1\r\nx\r\n", b"5\r\nhello\r\n", b"1;a=b\r\nx\r\n", b'1;a="b\\"c"\r\nx\r\n',
    b"0\r\nX: y\r\n\r\n", b"0\r\nHost: a\r\n\r\n", b"0\r\nConnection: close\r\n\r\n", b"\r\n0\r\nContent-Length: 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
]
# The most interesting bytes come up more often than one in 256.
BYTES = [bytes([byte]) for byte in range(256)] + [b"\r", b"\n", b" ", b"\t", b"\0", b":", b",", b"0", b"1"] * 12


def replace_byte(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.choice(BYTES) + data[at + 1 :]


def insert_byte(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(BYTES) + data[at:]


def remove_byte(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + 1 :]


def remove_span(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.randint(2, 12) :]


def insert_token(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(TOKENS) + data[at:]


def insert_line(data: bytes, rng: random.Random) -> bytes:
    """A token where a line begins, most often a whole field."""
    lines = data.split(b"\r\n")
    at = rng.randrange(len(lines))
    return b"\r\n".join(lines[:at] + [rng.choice(TOKENS).strip(b"\r\n")] + lines[at:])


def replace_span(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.choice(TOKENS) + data[at + rng.randint(1, 8) :]


def double_line(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\r\n")
    at = rng.randrange(len(lines))
    return b"\r\n".join(lines[: at + 1] + lines[at:])


def swap_lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\r\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\r\n".join(lines)


def change_case(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at : at + 8].swapcase() + data[at + 8 :]


def cut_end(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data)) + 1]


MUTATIONS = [
    replace_byte, insert_byte, remove_byte, remove_span, insert_token, insert_line, replace_span, double_line, swap_lines,
    change_case, cut_end,
]


def mutation(vectors: list[bytes], seed: int, round_: int) -> bytes:
    """One to three vectors in a row with up to four changes."""
    rng = random.Random(f"{seed}/{round_}")
    data = b"".join(rng.choice(vectors) for _ in range(rng.choice((1, 1, 2, 3))))
    for _ in range(rng.randint(0, 4)):
        data = rng.choice(MUTATIONS)(data, rng) or b"G"
    return data


def pieces(data: bytes, seed: int, round_: int) -> list[bytes]:
    """Cut at random: a third byte by byte, the rest into pieces of up to 40 bytes."""
    rng = random.Random(f"{seed}/{round_}/cuts")
    longest = rng.choice((1, 8, 40))
    cut, at = [], 0
    while at < len(data):
        size = rng.randint(1, longest)
        cut.append(data[at : at + size])
        at += size
    return cut
