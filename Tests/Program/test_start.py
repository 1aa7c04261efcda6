"""What stops a start: one line for each thing that is wrong, saying which and how to mend it, and an exit code that is not 0."""

import base64
import os
import pathlib
import socket
import subprocess
import tempfile

import pytest

from conftest import PROGRAM, VENDOR_KEY, complaints, perch, service_environment

USABLE = {"PERCH_PORT": "0", "PERCH_VENDOR_API_KEY": VENDOR_KEY, "PERCH_DATA_DIRECTORY": "data"}


def refused(directory: pathlib.Path, *words: str, arguments=("serve",), lines=1, user=None, **settings: str) -> str:
    """The complaint of a start that must not succeed."""
    answer = perch(*arguments, directory=directory, user=user, **(USABLE | settings))
    assert answer.returncode not in (0, -6, -11), answer
    assert answer.stdout == ""
    assert len(complaints(answer)) == lines, answer.stderr
    for word in words:
        assert word in answer.stderr, (word, answer.stderr)
    assert VENDOR_KEY not in answer.stderr
    return answer.stderr


def test_the_port_is_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(tmp_path, f"127.0.0.1:{port}", "another program uses the port", PERCH_PORT=str(port))
    # The failed start left no lock behind.
    refused(tmp_path, "Cannot listen on nowhere:0: use a numeric address", PERCH_HOST="nowhere")


def test_a_port_that_only_root_may_take(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may take it")
    refused(tmp_path, "80", PERCH_PORT="80")


def test_the_data_directory_is_not_writable():
    # Root may write everywhere, so somebody else must try, in a place that he can reach.
    somebody = "65534" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory() as reachable:
        place = pathlib.Path(reachable) / "kept"
        place.mkdir()
        os.chmod(reachable, 0o755)
        os.chmod(place, 0o555)
        if perch("--version", directory=place, user=somebody).returncode != 0:
            pytest.skip("the program is where nobody else can reach it")
        for directory in (place, place / "new"):
            refused(place, str(directory), "permission denied", user=somebody, PERCH_DATA_DIRECTORY=str(directory))
        os.chmod(place, 0o755)


def test_the_data_directory_is_a_file(tmp_path):
    place = tmp_path / "a-file"
    place.write_text("something else")
    refused(tmp_path, str(place), PERCH_DATA_DIRECTORY=str(place))
    refused(tmp_path, str(place), PERCH_DATA_DIRECTORY=str(place / "below"))
    assert place.read_text() == "something else"


def test_the_database_is_something_else(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "perch.sqlite").write_bytes(b"This is no database at all. " * 100)
    refused(tmp_path, "perch.sqlite")
    assert (data / "perch.sqlite").read_bytes().startswith(b"This is no database")


def test_a_setting_that_does_not_exist(tmp_path):
    refused(tmp_path, "PERCH_PROT in the environment is not a setting", PERCH_PROT="8080")
    (tmp_path / ".env").write_text("PERCH_DATABASE=x\n")
    refused(tmp_path, "PERCH_DATABASE in .env is not a setting")
    (tmp_path / ".env").unlink()
    refused(tmp_path, "PERCH_COLOUR in the command line is not a setting", arguments=("serve", "--set", "COLOUR=red"))


def test_all_bad_settings_are_told_at_once(tmp_path):
    (tmp_path / ".env").write_text("PERCH_LOG_LEVEL=loud\n")
    complaint = refused(
        tmp_path,
        'PERCH_PORT: "80 80" is not a whole number from 0 to 65535',
        'PERCH_SYNTHESIZE_URL: "app.usegradient.com" is not an http or https address',
        'PERCH_LOG_LEVEL: "loud" is not one of trace',
        'PERCH_DEFAULT_TIME_ZONE: "Berlin" is not a time zone',
        'PERCH_ALLOW_PLAIN_HTTP: "yes" is neither true nor false',
        'PERCH_VENDOR_NETWORKS: "10.0.0.0/8, 10.0.0.1/8" is not a list of IP addresses and networks',
        "PERCH_NONSENSE in the environment is not a setting",
        lines=7,
        PERCH_PORT="80 80",
        PERCH_SYNTHESIZE_URL="app.usegradient.com",
        PERCH_DEFAULT_TIME_ZONE="Berlin",
        PERCH_ALLOW_PLAIN_HTTP="yes",
        PERCH_VENDOR_NETWORKS="10.0.0.0/8, 10.0.0.1/8",
        PERCH_NONSENSE="1",
    )
    assert "canary" not in complaint


def test_a_bad_secret_is_not_repeated(tmp_path):
    complaint = refused(tmp_path, "PERCH_SECRET_KEY", PERCH_SECRET_KEY="canary-not-base64")
    assert "canary" not in complaint
    complaint = refused(tmp_path, "32 bytes", PERCH_LAUNCH_SECRETS="canary-short")
    assert "canary" not in complaint
    refused(tmp_path, "PERCH_VENDOR_API_KEY_FILE", "/nonexistent/key", PERCH_VENDOR_API_KEY="", PERCH_VENDOR_API_KEY_FILE="/nonexistent/key")


def test_the_vendor_key_is_missing(tmp_path):
    refused(tmp_path, "PERCH_VENDOR_API_KEY is not set", PERCH_VENDOR_API_KEY="")


def test_files_that_settings_name_are_missing(tmp_path):
    refused(tmp_path, "PERCH_RESOURCES", "Public and migrations", PERCH_RESOURCES="/nonexistent")
    refused(tmp_path, "/nonexistent/ca.pem", PERCH_CA_FILE="/nonexistent/ca.pem")
    refused(tmp_path, "PERCH_LAUNCH_PUBLIC_KEY_FILE", PERCH_LAUNCH_PUBLIC_KEY_FILE="/nonexistent/keys.pem")


def test_a_launch_key_file_without_a_public_key(tmp_path):
    private = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                             capture_output=True, text=True, check=True).stdout
    public = subprocess.run(["openssl", "pkey", "-pubout"], input=private, capture_output=True, text=True, check=True).stdout
    block = "-----BEGIN {0}-----\nY2FuYXJ5\n-----END {0}-----\n"
    file = tmp_path / "keys.pem"
    for text, words in [
        ("", "must hold public keys"), ("canary, no key at all\n", "must hold public keys"), (private, "holds a private key"),
        (public + private, "holds a private key"), (block.format("RSA PRIVATE KEY"), "holds a private key"),
        (block.format("ENCRYPTED PRIVATE KEY"), "holds a private key"), (public + block.format("CERTIFICATE"), "must hold public keys"),
        (public.split("-----END")[0], "must hold public keys"), (block.format("PUBLIC KEY"), "Launch key 1"),
    ]:
        file.write_text(text)
        complaint = refused(tmp_path, words, PERCH_LAUNCH_PUBLIC_KEY_FILE=str(file))
        assert str(file) in complaint or "Launch key" in words
        assert not any(line in complaint for line in text.splitlines() if line and not line.startswith("-----"))
    for text in ["canary " + public, "canary\n" + public, public + "canary\n", public + "canary" + public, public.replace("\n", "\n# ", 1)]:
        file.write_text(text)
        complaint = refused(tmp_path, "Launch key 1" if "# " in text else "Take it out", PERCH_LAUNCH_PUBLIC_KEY_FILE=str(file))
        assert "canary" not in complaint
    commented = "".join("# " + line + "\n" for line in public.splitlines())
    file.write_text("# ours\n" + public + "\n" + commented + public)
    complaint = refused(tmp_path, "PERCH_VENDOR_API_KEY", PERCH_LAUNCH_PUBLIC_KEY_FILE=str(file), PERCH_VENDOR_API_KEY="")
    assert "PEM" not in complaint


def test_an_address_that_says_more_than_where_something_is_is_refused_and_not_repeated(tmp_path):
    for setting, value, words in [
        ("PERCH_MAPPING_URL", "https://user:canary@synthesize.example/{organizationId}", "its value must not hold a user name"),
        ("PERCH_MAPPING_URL", "https://canary@synthesize.example", "its value must not hold a user name"),
        ("PERCH_MAPPING_URL", "synthesize.example?key=canary", "its value is not an http or https address"),
        ("PERCH_FRAME_ANCESTORS", "https://portal.example, https://user:canary@portal.example", "its value must not hold a user name"),
        ("PERCH_FRAME_ANCESTORS", "https://portal.example?canary", "its value is not a list of origins"),
        ("PERCH_FRAME_ANCESTORS", "https://portal.example; script-src *", "is not a list of origins"),
        ("PERCH_VENDOR_HOSTS", "user:canary@vendor.example", "its value must not hold a user name"),
        ("PERCH_VENDOR_HOSTS", "https://vendor.example", "without scheme and port"),
        ("PERCH_VENDOR_HOSTS", "vendor.example:443", "without scheme and port"),
        ("PERCH_SYNTHESIZE_URL", "https://synthesize.example?key=canary", "its value is not an http or https address without a query"),
        ("PERCH_SYNTHESIZE_URL", "https://synthesize.example#canary", "its value is not an http or https address without a query"),
    ]:
        assert "canary" not in refused(tmp_path, f"{setting}: ", words, **{setting: value})
    # What is meant is taken.
    refused(
        tmp_path, "PERCH_VENDOR_API_KEY", PERCH_VENDOR_API_KEY="", PERCH_MAPPING_URL="https://synthesize.example/@map/{organizationId}?a=b",
        PERCH_FRAME_ANCESTORS="https://portal.example, https://*.portal.example:8443", PERCH_VENDOR_HOSTS="vendor.example, 127.0.0.1, ::1")


def test_an_address_with_a_sign_in_in_it_is_refused_and_not_repeated(tmp_path):
    for setting in ("PERCH_SYNTHESIZE_URL", "PERCH_PUBLIC_URL", "PERCH_SAAS_ALERTS_URL"):
        for address in ("https://user:canary@synthesize.example", "https://canary@synthesize.example", "https://user:ca nary@x", "canary@x"):
            complaint = refused(tmp_path, f"{setting}: its value must not hold a user name or a password.", **{setting: address})
            assert "nary" not in complaint


def test_synthesize_in_the_clear_is_refused_unless_it_is_allowed(tmp_path):
    complaint = refused(tmp_path, "PERCH_SYNTHESIZE_URL must begin with https://", PERCH_SYNTHESIZE_URL="http://synthesize.example",
                        PERCH_ALLOW_PLAIN_HTTP="false")
    assert "PERCH_ALLOW_PLAIN_HTTP=true" in complaint


def test_a_database_whose_key_file_is_gone_gets_no_other(tmp_path, installation, sandbox):
    sandbox.customers(3)
    service = installation.start()
    installation.connected_partner(service)
    service.kill()
    file = installation.directory / "data/secret.key"
    key = file.read_text()
    file.unlink()
    complaint = perch("serve", directory=installation.directory, **service_environment(installation.directory, sandbox))
    assert complaint.returncode != 0 and not file.exists()
    assert "secret.key is gone" in complaint.stderr and "from its copy" in complaint.stderr, complaint.stderr
    file.write_text(key)
    file.chmod(0o600)
    installation.start()


def test_another_key_than_the_database_was_made_with(tmp_path, installation, sandbox):
    directory = installation.directory
    sandbox.customers(3)
    service = installation.start()
    installation.connected_partner(service)
    service.kill()
    other = base64.b64encode(b"k" * 32).decode()
    complaint = perch("serve", directory=directory, **(service_environment(directory, sandbox) | {"PERCH_SECRET_KEY": other}))
    assert complaint.returncode != 0
    assert "key" in complaint.stderr and other not in complaint.stderr
    assert len(complaints(complaint)) == 1, complaint.stderr
    # And with its own key all is as before.
    service = installation.start()
    assert service.api("GET", "/partners")["items"][0]["standing"] == "pendingMapping"


def test_one_process_holds_a_database(installation, sandbox):
    installation.start()
    environment = service_environment(installation.directory, sandbox)
    for arguments in (["serve"], ["operators", "list"], ["partners"]):
        second = perch(*arguments, directory=installation.directory, **environment)
        assert second.returncode != 0, arguments
        assert "another" in second.stderr.lower() or "in use" in second.stderr.lower(), second.stderr
        assert len(complaints(second)) == 1, second.stderr
    # The running one is not disturbed.
    assert installation.services[0].api("GET", "/partners") is not None


def test_a_newer_database_is_left_alone(tmp_path):
    import sqlite3

    assert perch("operators", "list", directory=tmp_path, **USABLE).returncode == 0
    with sqlite3.connect(tmp_path / "data/perch.sqlite") as database:
        last = database.execute("SELECT MAX(number) FROM schema_migration").fetchone()[0]
        database.execute("INSERT INTO schema_migration VALUES (?, ?, ?)", (last + 1, "9999_from_the_future.sql", "0" * 64))
    refused(tmp_path, "perch.sqlite", "A newer Perch wrote this database", "9999_from_the_future.sql")


def test_the_program_is_where_the_tests_think():
    assert os.access(PROGRAM, os.X_OK), PROGRAM
