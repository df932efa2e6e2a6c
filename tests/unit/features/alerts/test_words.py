"""What alerts say."""

from __future__ import annotations

from sheetport.features.alerts.model import WORDS
from sheetport.features.events.model import ALERTS


def test_every_alert_has_words_for_its_mail() -> None:
    assert set(WORDS) == ALERTS
