"""A vendor that echoes everything it is sent, in every kind of answer: its credentials must be found nowhere, wherever a definition puts them."""

import base64
import contextlib
import http.server
import json
import threading
import urllib.parse
import urllib.request

import pytest

from conftest import Installation, call, perch
from test_secrets import disguises

KINDS = ["good", "401", "403", "404", "500", "truncated", "redirect", "otherShape", "drop"]


class EchoingVendor:
    """Keeps what it was sent, and answers with it."""

    def __init__(self):
        self.kind = "good"
        self.requests: list[bytes] = []
        vendor = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                told = f"{self.command} {self.path}\n{self.headers}\n".encode() + body
                vendor.requests.append(told)
                echo = told.decode(errors="replace")
                status, text = 200, json.dumps({"message": echo, "error": {"detail": echo}, echo[:200]: echo})
                if vendor.kind == "good" or "token" in self.path:
                    text = json.dumps({"access_token": "bearer-of-the-vendor-0123456789", "token_type": "Bearer", "items": [
                        {"id": "a-1", "name": "Customer One", "seats": 7}]})
                elif vendor.kind == "truncated":
                    text = text[: len(text) // 2]
                elif vendor.kind == "redirect":
                    status = 302
                elif vendor.kind == "drop":
                    self.close_connection = True
                    return
                elif vendor.kind.isdigit():
                    status = int(vendor.kind)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1" + self.path)
                # A server that puts a credential into a field of its own.
                self.send_header("X-Echo", echo[:300].replace("\r", " ").replace("\n", " "))
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_POST = do_GET

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


DEFINITION = """
format: 1
id: canary
name: Canary
about: {sources: [a test], unverified: []}
settings:
  partner:
    apiURL: {kind: url, label: API URL, help: where}
    headerKey: {kind: secret, label: Header key, help: x}
    queryKey: {kind: secret, label: Query key, help: x}
    pathKey: {kind: secret, label: Path key, help: x}
    bodyKey: {kind: secret, label: Body key, help: x}
    formKey: {kind: secret, label: Form key, help: x}
    basicKey: {kind: secret, label: Basic key, help: x}
hosts: ["${apiURL}"]
requests:
  base: ${apiURL}/in/${pathKey}
  retry: {attempts: 2, first: 0.1}
auth:
  headers: {X-Key: "${headerKey}"}
  query: {key: "${queryKey}"}
  basic: {user: somebody, password: "${basicKey}"}
reads:
  customers:
    post: /customers
    json: {credentials: {key: "${bodyKey}"}}
    records: $.items
    paging: none
  seats:
    for: accounts
    post: /seats
    form: {key: "${formKey}", account: "${account.id}"}
    records: $.items
    paging: none
accounts: {from: customers, id: $.id, name: $.name}
bases:
  seats: {version: 1, counts: seats}
services:
  - {name: Seats, description: Seats, category: security, subcategory: email security, basis: seats}
counts:
  - {service: Seats, from: seats, count: {sum: $.seats}}
"""

# What a percent-encoding and a Base64 change.
SIGNS = "/in+a=secret"
OWN = {name: f"canary-{name}{SIGNS}" for name in ("headerKey", "queryKey", "bodyKey", "formKey", "basicKey")} | {
    "pathKey": "canary-pathKey-secret-0001"}
BUILT_IN = {
    "augmentt": ({"accessKeyId": "id-1"}, ["accessKeySecret"]),
    "auvik": ({"user": "somebody"}, ["apiKey"]),
    "ninjaone": ({"clientId": "client-1"}, ["clientSecret"]),
    "datto-rmm": ({"apiKey": "public-1"}, ["apiSecret"]),
    "connectwise-configurations": ({"companyId": "c", "publicKey": "p", "clientId": "i"}, ["privateKey"]),
    "spamtitan": ({}, ["apiToken"]),
    "usecure": ({}, ["apiKey"]),
}


@pytest.fixture
def vendor():
    with contextlib.closing(EchoingVendor()) as vendor:
        yield vendor


def settings(connector: str) -> dict[str, str]:
    return {
        "PERCH_CONNECTOR": connector, "PERCH_LOG_LEVEL": "trace", "PERCH_VENDOR_HOSTS": "127.0.0.1", "PERCH_RETRY_ATTEMPTS": "2",
        "PERCH_ALLOW_PLAIN_HTTP": "true",
    }


def search(secrets: dict[str, str], seen: dict[str, bytes]):
    found = [
        f"{name} in {place}" for name, secret in secrets.items() for place, text in seen.items()
        if any(disguise in text for disguise in disguises(secret) + [secret.encode().hex().encode()])
    ]
    assert found == []


def pages(service, partner: dict, runs: list[str]) -> dict[str, bytes]:
    """What a partner and an operator are shown."""
    link = service.api("POST", f"/partners/{partner['id']}/launch-link")["url"]
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    seen = {"/": browser.open(link).read()}
    for run in runs:
        for path in ("", "/lines.csv", "/lines.json"):
            seen[f"/runs/{run}{path}"] = browser.open(f"{service.url}/runs/{run}{path}").read()
    console = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    console.open(service.url + "/console/sign-in", urllib.parse.urlencode({"key": service.operator_key}).encode())
    for path in ["/console", f"/console/partners/{partner['id']}", "/console/audit", "/console/audit.csv"] + [
        f"/console/runs/{run}" for run in runs]:
        seen[path] = console.open(service.url + path).read()
    for path in ["/metrics", "/readyz"]:
        seen[path] = urllib.request.urlopen(service.url + path).read()
    for path in ["/partners", f"/partners/{partner['id']}/connection", f"/partners/{partner['id']}/sync-runs", "/audit", "/services",
                 *(f"/sync-runs/{run}/lines" for run in runs)]:
        seen["/api/v1" + path] = json.dumps(service.api("GET", path)).encode()
    return seen


def stored(installation: Installation, service) -> dict[str, bytes]:
    data = installation.directory / "data"
    backup = installation.directory / "backup.sqlite"
    backup.unlink(missing_ok=True)
    answer = perch("database", "backup", str(backup), directory=installation.directory, PERCH_DATA_DIRECTORY=str(data))
    assert answer.returncode == 0, answer.stderr
    told = perch("doctor", directory=installation.directory, PERCH_DATA_DIRECTORY=str(data))
    files = {file.name: file.read_bytes() for file in data.iterdir() if file.name != "secret.key"}
    assert b"Northwind IT" in files["perch.sqlite-wal"] + files["perch.sqlite"]
    return files | {"backup": backup.read_bytes(), "doctor": told.stdout.encode(), "log": service.errors().encode()}


def test_a_definitions_credentials_are_nowhere_in_header_query_path_and_body(installation, sandbox, vendor):
    file = installation.directory / "canary.yaml"
    file.write_text(DEFINITION)
    service = installation.start(**settings("./canary.yaml"))
    organization = sandbox.create_organization("Northwind IT")
    partner = service.api("POST", "/partners", {"vendorReference": "northwind", "name": "Northwind IT"})
    entered = {"partnerKey": organization["partnerKey"], "fields": OWN | {"apiURL": vendor.url}}
    seen, runs = {}, []
    for kind in KINDS[1:] + ["good"]:
        vendor.kind = kind
        status, answer = call("POST", f"{service.url}/api/v1/partners/{partner['id']}/connection", entered,
                              {"Authorization": "Bearer " + service.operator_key})
        seen[f"connect, {kind}"] = json.dumps(answer).encode()
        assert (status == 202) == (kind == "good"), (kind, status, answer)
    job = service.ended(answer["id"])
    assert job["state"] == "succeeded", job
    sandbox.control("POST", f"/organizations/{organization['id']}/map", {"all": True})
    for kind in KINDS:
        vendor.kind = kind
        run = service.ended(service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"])
        assert (run["state"] == "succeeded") == (kind == "good"), (kind, run)
        runs.append(run["id"])
        seen[f"run, {kind}"] = json.dumps(run).encode()
        status, answer = call("POST", f"{service.url}/api/v1/partners/{partner['id']}/sync-preview", None,
                              {"Authorization": "Bearer " + service.operator_key})
        seen[f"preview, {kind}"] = json.dumps(answer).encode()
    # Every one of them went out, each in its own place and disguise: the search is not of what never was.
    sent = b"\n".join(vendor.requests)
    for name, secret in OWN.items():
        assert any(disguise in sent for disguise in disguises(secret)), name
    assert base64.b64encode(f"somebody:{OWN['basicKey']}".encode()) in sent
    search(OWN | {"basic": base64.b64encode(f"somebody:{OWN['basicKey']}".encode()).decode()},
           seen | pages(service, partner, runs) | stored(installation, service))
    assert "canary-" not in service.errors(), "not even the beginning of one"

    for kind in KINDS:
        vendor.kind = kind
        answer = perch("connectors", "preview", "./canary.yaml", *[f"--set={name}={text}" for name, text in entered["fields"].items()],
                       directory=installation.directory, **{k: v for k, v in settings("x").items() if k != "PERCH_CONNECTOR"})
        search(OWN, {f"connectors preview, {kind}": (answer.stdout + answer.stderr).encode()})
        assert "/customers" in answer.stdout, (kind, answer.stderr)


@pytest.mark.parametrize("connector", BUILT_IN)
def test_the_credentials_of_built_in_connectors_are_nowhere(installation, sandbox, vendor, connector):
    open_fields, secret_names = BUILT_IN[connector]
    secrets = {name: f"canary-{name}{SIGNS}" for name in secret_names}
    service = installation.start(**settings(connector))
    organization = sandbox.create_organization("Northwind IT")
    partner = service.api("POST", "/partners", {"vendorReference": "northwind", "name": "Northwind IT"})
    entered = {"partnerKey": organization["partnerKey"], "fields": open_fields | secrets | {"apiURL": vendor.url}}
    seen = {}
    for kind in KINDS:
        vendor.kind = kind
        status, answer = call("POST", f"{service.url}/api/v1/partners/{partner['id']}/connection", entered,
                              {"Authorization": "Bearer " + service.operator_key})
        seen[f"connect, {kind}"] = json.dumps(answer).encode()
        if status == 202:
            seen[f"job, {kind}"] = json.dumps(service.ended(answer["id"])).encode()
    sent = b"\n".join(vendor.requests)
    user = {"auvik": "somebody", "connectwise-configurations": "c+p"}.get(connector)
    for name, secret in secrets.items():
        shown = base64.b64encode(f"{user}:{secret}".encode()) if user else None
        assert any(disguise in sent for disguise in disguises(secret)) or shown and shown in sent, name
        if shown:
            seen_secret = {"basic": shown.decode()}
            search(seen_secret, seen)
    search(secrets, seen | pages(service, partner, []) | stored(installation, service))
