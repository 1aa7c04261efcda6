"""Every way in which Perch and llhttp may read the same bytes differently, each with its reason.

A class is a name, the reason why the difference is wanted, and a predicate. The predicate looks at what Perch said and judges the
request by itself, so that a refusal for a wrong reason stays unclassified. The first class that holds counts.
"""

import dataclasses
import re
import socket

from readings import BLANKS, Difference, Request, llhttp_view

# ServerLimits.body, RequestParser.chunkLineLimit and .extensionBytesLimit: the probe parses with the defaults.
BODY_LIMIT = 16 * 1024 * 1024
CHUNK_LINE_LIMIT = 256
EXTENSIONS_LIMIT = 4096

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
QUOTED = rb'"(?:[^"\\\r\n]|\\[^\r\n])*"'
# What Perch takes for a target; llhttp takes every visible ASCII character.
TARGET = re.compile(rb"[0-9A-Za-z._~:/?\[\]@!$&'()*+,;=%|^{}\\`-]+")
HOST = re.compile(rb"(?:\[([0-9A-Fa-f:.]+)\]|[0-9A-Za-z._~-]+)(?::([0-9]{0,5}))?")
CHUNK_LINE = re.compile(rb"\r\n([0-9A-Fa-f]+)(;[^\r\n]*)?(?=\r\n|$)")
EXTENSIONS = re.compile(rb"(?:;" + TOKEN + rb"(?:=(?:" + TOKEN + rb"|" + QUOTED + rb"))?)*")
# The methods that llhttp knows with HTTP/1.x.
METHODS = set(
    b"DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL "
    b"REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK SOURCE QUERY".split()
)


# What was sent


def request_line(d: Difference) -> bytes:
    return d.data.lstrip(b"\r\n").split(b"\r\n")[0]


def method(d: Difference) -> bytes:
    return request_line(d).split(b" ")[0]


def values(request: Request, name: bytes) -> list[bytes]:
    return [value.strip(BLANKS) for field, value in request.fields if field.lower() == name]


def members(request: Request, name: bytes) -> set[bytes]:
    return {member.strip(BLANKS).lower() for value in values(request, name) for member in value.split(b",")}


def is_host(text: bytes) -> bool:
    match = HOST.fullmatch(text)
    if match and match[1]:
        try:
            socket.inet_pton(socket.AF_INET6, match[1].decode())
        except OSError:
            return False
    return bool(match) and int(match[2] or 0) <= 65535


def absolute(target: bytes) -> bytes | None:
    """The authority of a target in absolute form."""
    match = re.match(rb"(?i)https?://([^/?]*)", target)
    return match[1] if match else None


def has_target_form(d: Difference) -> bool:
    target = d.llhttp_request.target
    authority = absolute(target)
    return target.startswith(b"/") or (target == b"*" and method(d) == b"OPTIONS") or (authority is not None and is_host(authority))


def extensions(d: Difference) -> list[bytes]:
    return [match[2] for match in CHUNK_LINE.finditer(d.data) if match[2]]


# What was said


def refuses(d: Difference, *codes: str) -> bool:
    return d.perch == "refused" and d.perch_refusal.split(" ")[1] in codes


def takes(d: Difference, *reasons: str) -> bool:
    """Perch takes it or awaits more, llhttp refuses."""
    return d.perch != "refused" and d.llhttp == "refused" and d.llhttp_refusal in reasons


def differs_only_in(d: Difference, *names: str) -> bool:
    if d.perch != d.llhttp or d.perch_request is None or not d.llhttp_request.has_head:
        return False
    return d.perch_request == dataclasses.replace(llhttp_view(d.llhttp_request), **{n: getattr(d.perch_request, n) for n in names})


# Perch refuses


def no_host(d):
    return refuses(d, "bad-host") and d.llhttp_request.version == "1.1" and not d.llhttp_request.hosts


def several_hosts(d):
    return refuses(d, "bad-host") and len(d.llhttp_request.hosts) > 1


def odd_host(d):
    hosts = d.llhttp_request.hosts
    return refuses(d, "bad-host") and len(hosts) == 1 and not is_host(hosts[0].strip(BLANKS))


def contradicting_host(d):
    hosts = [host.strip(BLANKS).lower() for host in d.llhttp_request.hosts]
    authority = absolute(d.llhttp_request.target)
    return refuses(d, "bad-host") and len(hosts) == 1 and authority is not None and authority.lower() != hosts[0]


def odd_target_form(d):
    return refuses(d, "bad-target") and bool(d.llhttp_request.target) and not has_target_form(d)


def secure_target(d):
    return refuses(d, "not-secured") and d.llhttp_request.target.lower().startswith(b"https://")


def odd_target_character(d):
    target = d.llhttp_request.target
    return refuses(d, "bad-target") and bool(target) and not TARGET.fullmatch(target)


def broken_escape(d):
    return refuses(d, "bad-target") and bool(re.search(rb"%(?![0-9A-Fa-f]{2})", d.llhttp_request.target))


def several_spaces(d):
    return refuses(d, "bad-target", "bad-request-line") and bool(re.fullmatch(rb"[^ ]+( +)[^ ]+( +)HTTP/\d\.\d", request_line(d))) and (
        b"  " in request_line(d)
    )


def no_version(d):
    # Here llhttp lets a bare LF end the line as well, and CONNECT go without a target.
    line = re.match(rb"(?:[^ \r\n]+ +[^ \r\n]+|CONNECT) *\r?(\n|$)", d.data.lstrip(b"\r\n"))
    codes = ("bad-request-line", "bad-version", "bad-target", "bare-line-feed")
    return refuses(d, *codes) and bool(line) and d.llhttp_request.version in ("", "0.9")


def empty_lines(d):
    lines = d.data[: len(d.data) - len(d.data.lstrip(b"\r\n"))]
    return refuses(d, "bad-request-line", "bare-line-feed", "bare-return") and lines not in (b"", b"\r\n")


def other_major_version(d):
    return refuses(d, "unknown-version") and request_line(d).endswith((b" HTTP/0.9", b" HTTP/2.0"))


def other_protocol(d):
    return refuses(d, "bad-version") and bool(re.search(rb" (RTSP|ICE)/\d\.\d$", request_line(d)))


def tunnel(d):
    return refuses(d, "no-tunnels") and method(d) == b"CONNECT"


def other_coding(d):
    codings = values(d.llhttp_request, b"transfer-encoding")
    return refuses(d, "unknown-coding") and len(codings) == 1 and codings[0].lower() != b"chunked"


def several_codings(d):
    return refuses(d, "ambiguous-length") and len(values(d.llhttp_request, b"transfer-encoding")) > 1


def old_coding(d):
    request = d.llhttp_request
    return refuses(d, "ambiguous-length") and request.version == "1.0" and bool(values(request, b"transfer-encoding"))


def long_length(d):
    return refuses(d, "bad-length") and any(re.fullmatch(rb"\d{19,}", value) for value in values(d.llhttp_request, b"content-length"))


def large_length(d):
    return refuses(d, "body-too-large") and any(int(value) > BODY_LIMIT for value in values(d.llhttp_request, b"content-length"))


def large_chunk(d):
    room = BODY_LIMIT - len(d.llhttp_request.body)
    return refuses(d, "body-too-large") and any(int(match[1], 16) > room for match in CHUNK_LINE.finditer(d.data))


def long_chunk_size(d):
    return refuses(d, "bad-chunk") and any(len(match[1]) > 15 for match in CHUNK_LINE.finditer(d.data))


def long_extensions(d):
    found = extensions(d)
    return refuses(d, "bad-chunk") and (
        sum(map(len, found)) > EXTENSIONS_LIMIT or any(len(one) >= CHUNK_LINE_LIMIT - 15 for one in found)
    )


def host_trailer(d):
    return refuses(d, "bad-trailer") and bool(re.search(rb"(?i)\r\n0+(;[^\r\n]*)?\r\n([^\r\n]+\r\n)*host:", d.data))


def other_expectation(d):
    expectations = [value.lower() for value in values(d.llhttp_request, b"expect")]
    return refuses(d, "unknown-expectation") and d.llhttp_request.version == "1.1" and expectations not in ([], [b"100-continue"])


# Perch takes


def other_method(d):
    reasons = (
        "Invalid method encountered", "Expected space after method", "Invalid method for HTTP/x.x request",
        "Expected HTTP/2 Connection Preface",
    )
    return takes(d, *reasons) and bool(re.fullmatch(TOKEN, method(d))) and method(d) not in METHODS


def higher_minor_version(d):
    return takes(d, "Invalid HTTP version") and bool(re.search(rb" HTTP/1\.[2-9]\r?$", request_line(d)))


def tab_after_chunked(d):
    codings = [value for name, value in d.llhttp_request.fields if name.lower() == b"transfer-encoding"]
    # Perch takes the head; it may still refuse a chunk.
    is_taken = d.llhttp_refusal == "Request has invalid `Transfer-Encoding`" and d.perch_request is not None
    return is_taken and len(codings) == 1 and bool(re.fullmatch(rb"(?i)chunked[ \t]*\t[ \t]*", codings[0]))


# Both take


def proxy_connection(d):
    return differs_only_in(d, "keep_alive") and bool(values(d.llhttp_request, b"proxy-connection"))


def close_and_keep_alive(d):
    options = members(d.llhttp_request, b"connection")
    return differs_only_in(d, "keep_alive") and d.perch_request.version == "1.0" and {b"close", b"keep-alive"} <= options


def connection_trailer(d):
    names = {name.lower() for name, _ in d.llhttp_request.trailers}
    return differs_only_in(d, "keep_alive") and bool(names & {b"connection", b"proxy-connection"})


def upgrade(d):
    request, ours = d.llhttp_request, d.perch_request
    if not d.is_handed_over or ours is None:
        return False
    # llhttp leaves the body to the other protocol too, Perch may refuse it.
    head_is_alike = ours == dataclasses.replace(llhttp_view(request), body=ours.body, is_complete=ours.is_complete)
    options = members(request, b"connection") | members(request, b"proxy-connection")
    return head_is_alike and bool(values(request, b"upgrade")) and b"upgrade" in options


# Undecided, see `RequestVectors.undecidedChunkExtensions`


def extension_grammar(d):
    """Symmetric: holds whichever of the two refuses."""
    reasons = (
        "Invalid character in chunk extensions", "Invalid character in chunk extensions name",
        "Invalid character in chunk extensions value", "Invalid character in chunk extensions quoted value",
        "Invalid quoted-pair in chunk extensions quoted value", "Invalid character in chunk extensions quote value",
    )
    is_refused = refuses(d, "bad-chunk") or d.llhttp_refusal in reasons
    return is_refused and any(not EXTENSIONS.fullmatch(one) for one in extensions(d))


# Both refuse, at different bytes


def at_line_end(d):
    return d.perch == "waiting" and d.llhttp == "refused" and d.is_refused_at_line_end


CLASSES = [
    ("refused: no Host", "RFC 9112 3.2: 400 to HTTP/1.1 without Host; llhttp leaves that to its user", no_host),
    ("refused: Host more than once", "RFC 9112 3.2: 400; llhttp leaves that to its user", several_hosts),
    ("refused: odd Host", "RFC 9112 3.2: 400 unless a host name with an optional port; llhttp takes any text", odd_host),
    ("refused: target contradicts Host", "RFC 9112 3.2.2 lets the target win; two readers may choose differently", contradicting_host),
    ("refused: target form", "only /path, http://host and, with OPTIONS, * (RFC 9112 3.2)", odd_target_form),
    ("refused: https target", "RFC 9110 7.4: 421, as the connection is not secured; llhttp leaves that to its user", secure_target),
    ("refused: character in target", "RFC 9112 3.2: no fragment, no quotes or angle brackets; llhttp takes these", odd_target_character),
    ("refused: broken %-escape", "RFC 3986 2.1: % and two hex digits; nobody behind has to guess", broken_escape),
    ("refused: several spaces", "RFC 9112 3: single spaces; llhttp takes any number", several_spaces),
    ("refused: no version", "RFC 9112 3: HTTP/0.9 is not spoken; llhttp takes its request line", no_version),
    ("refused: lines before the request", "RFC 9112 2.2: one empty line is ignored; llhttp skips any CR and LF", empty_lines),
    ("refused: HTTP/0.9 or HTTP/2.0 by name", "RFC 9110 15.6.6: 505; llhttp takes both", other_major_version),
    ("refused: RTSP or ICE", "not HTTP; llhttp reads these as well", other_protocol),
    ("refused: CONNECT", "RFC 9110 9.3.6: no proxy, 501", tunnel),
    ("refused: coding other than chunked", "RFC 9112 6.1: 501; llhttp takes any list that ends in chunked", other_coding),
    ("refused: Transfer-Encoding twice", "RFC 9112 6.3: two readers may take different fields; llhttp joins them", several_codings),
    ("refused: coding in HTTP/1.0", "RFC 9112 6.1: faulty framing; llhttp takes it", old_coding),
    ("refused: length of over 18 digits", "RFC 9110 8.6: guard against overflow; llhttp takes 64 bits and leading zeros", long_length),
    ("refused: length above the limit", "RFC 9110 15.5.14: 413; llhttp has no limit", large_length),
    ("refused: chunk above the limit", "RFC 9110 15.5.14: 413; llhttp has no limit", large_chunk),
    ("refused: chunk size of over 15 digits", "RFC 9112 7.1: guard against overflow; llhttp takes leading zeros", long_chunk_size),
    ("refused: long chunk extensions", "RFC 9112 7.1.1: limit their length; llhttp has no limit", long_extensions),
    ("refused: Host as a trailer", "RFC 9110 6.5.1: no routing in trailers; llhttp takes it", host_trailer),
    ("refused: other expectation", "RFC 9110 10.1.1: 417; llhttp does not look at it", other_expectation),
    ("TAKEN: method unknown to llhttp", "RFC 9110 9.1: any token is a method, the router answers 405; llhttp has a list", other_method),
    ("TAKEN: HTTP/1.2 to 1.9", "RFC 9110 2.5: read as the highest minor version spoken; llhttp has a list", higher_minor_version),
    ("TAKEN: tab after chunked", "RFC 9110 5.5: blanks around a value are no part of it; llhttp drops spaces alone", tab_after_chunked),
    ("read: Proxy-Connection", "RFC 9112 C.2.2: not looked at; llhttp takes it for Connection", proxy_connection),
    ("read: keep-alive and close in HTTP/1.0", "RFC 9112 9.3: close wins; llhttp stays open", close_and_keep_alive),
    ("read: Connection as a trailer", "RFC 9110 6.5.1: trailers change nothing; llhttp takes the option", connection_trailer),
    ("read: offer to upgrade", "RFC 9110 7.8: ignored, the next request follows; llhttp stops there", upgrade),
    ("undecided: inside of chunk extensions", "RFC 9112 7.1.1: nobody reads them", extension_grammar),
    ("alike: refused at the line's end", "Perch judges whole lines, llhttp each character", at_line_end),
]


def classify(difference: Difference) -> str | None:
    return next((name for name, _, holds in CLASSES if holds(difference)), None)
