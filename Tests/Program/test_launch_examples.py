"""The examples of docs/launch.md, run as they stand there: each makes an address that opens the partner's page, once."""

import http.client
import re
import secrets
import shutil
import subprocess

import pytest

from conftest import ROOT, clean_environment

# Language of the code block, file, and how it is run.
LANGUAGES = {
    "python": ("launch.py", ["python3"]),
    "javascript": ("launch.js", ["node"]),
    "java": ("Launch.java", ["java"]),
    "csharp": ("launch.cs", ["dotnet", "run"]),
    "php": ("launch.php", ["php"]),
    "ruby": ("launch.rb", ["ruby"]),
    "go": ("launch.go", ["go", "run"]),
}


def examples() -> dict[str, str]:
    return dict(re.findall(r"```(\w+)\n(.*?)```", (ROOT / "docs/launch.md").read_text(), re.S))


def opened(url: str) -> tuple[int, str]:
    host, path = url.removeprefix("http://").split("/", 1)
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request("GET", "/" + path)
    answer = connection.getresponse()
    return answer.status, answer.getheader("Location") or ""


def test_there_is_an_example_in_six_languages_and_more():
    assert set(examples()) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_opens_the_page_once(language, installation, tmp_path):
    file, command = LANGUAGES[language]
    if shutil.which(command[0]) is None or (language == "java" and shutil.which("javac") is None):
        pytest.skip(f"{command[0]} is not installed")
    secret = secrets.token_hex(32)
    service = installation.start(PERCH_LAUNCH_SECRETS="an-older-secret-that-is-being-replaced " + secret)
    (tmp_path / file).write_text(examples()[language])
    answer = subprocess.run(
        [*command, file], cwd=tmp_path, capture_output=True, text=True, timeout=120,
        env=clean_environment(LAUNCH_SECRET=secret, PERCH_URL=service.url, GOCACHE=str(tmp_path / "go"), HOME=str(tmp_path)))
    assert answer.returncode == 0, answer.stderr
    url = answer.stdout.strip()
    assert opened(url) == (303, "/")
    assert opened(url)[0] == 401
    partner = service.api("GET", "/partners")["items"][0]
    assert (partner["vendorReference"], partner["name"]) == ("partner-42", "Northwind Managed IT")
