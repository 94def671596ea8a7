"""Certificates for tests of TLS."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.running import program


def docker_certificates(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a certificate that is its own authority, have DOCKER_CERT_PATH name its directory, and return that.

    Client and server both use it: ``ca.pem``, ``cert.pem`` and ``key.pem``, for 127.0.0.1.
    """
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", directory / "key.pem", "-out", directory / "cert.pem")
    command = (program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    shutil.copy(directory / "cert.pem", directory / "ca.pem")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(directory))
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    return directory
