"""Certificates for tests of TLS."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.running import program


def certificates(directory: Path) -> Path:
    """Make a certificate for 127.0.0.1 that is its own authority, and return the directory.

    Client and server both use it: ``ca.pem``, ``cert.pem`` and ``key.pem``.
    """
    directory.mkdir(exist_ok=True)
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", directory / "key.pem", "-out", directory / "cert.pem")
    command = (program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    shutil.copy(directory / "cert.pem", directory / "ca.pem")
    return directory


def docker_certificates(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make such certificates, have DOCKER_CERT_PATH name their directory, and return that."""
    made = certificates(directory)
    monkeypatch.setenv("DOCKER_CERT_PATH", str(made))
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    return made
