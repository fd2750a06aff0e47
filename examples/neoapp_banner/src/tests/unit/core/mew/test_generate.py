"""`python -m src.core.mew.generate` is `blackcat generate-operation` of this project."""

from __future__ import annotations

import pytest

from .....core.mew.generate import main


def test_it_shows_what_it_would_write(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["send-letter", "--dry-run"])

    assert ended.value.code == 0
    assert "send_letter_operations.py" in capsys.readouterr().out
