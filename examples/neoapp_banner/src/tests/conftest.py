"""Tests run without AWS and without src/.env: what would reach either fails at once."""

from __future__ import annotations

from pathlib import Path

import pytest

NOBODY_LISTENS = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOBODY_LISTENS)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    # Secrets are masked in everything that is logged: no common word stands here.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA-OF-NOBODY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key-of-nobody")
    monkeypatch.setenv("OPENAI_API_KEY", "test-openai")
    monkeypatch.setenv("PAGARME_API_KEY", "test-pagarme")
