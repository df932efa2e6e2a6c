"""Wherever the server commits, a crash test can stop it before and after; and every such point is used."""

from __future__ import annotations

from pathlib import Path

from architecture.sources import ROOT
from faults.commit_sites import faults, points_used
from faults.test_backup_drill import RESTORE_KILLS
from faults.test_kill import KILLS
from faults.test_kill_secret_rotation import KILLS as ROTATION_KILLS
from faults.test_kill_webhooks import KILLS as WEBHOOK_KILLS
from sheetport.kernel.killpoints import POINTS

SOURCE = ROOT / "src" / "sheetport"


def test_every_commit_has_a_kill_point_before_and_after() -> None:
    assert faults(SOURCE) == []


def test_every_point_is_listed_and_lies_in_the_source() -> None:
    assert set(points_used(SOURCE)) == set(POINTS)


def test_every_point_is_walked_and_twenty_kills_are_made() -> None:
    walked = {point for kills in KILLS.values() for point, _ in kills}
    for kills in (*ROTATION_KILLS.values(), *WEBHOOK_KILLS.values()):
        walked |= {point for point, *_ in kills}
    assert walked | {point for points in RESTORE_KILLS.values() for point in points} == set(POINTS)
    assert sum(len(kills) for kills in KILLS.values()) >= 20


def test_the_scan_finds_a_commit_without_points(tmp_path: Path) -> None:
    bare = (
        'def f(c):\n    c.execute("COMMIT")\nasync def g(c):\n    async with c.transaction():\n        await c.go()\n'
    )
    (tmp_path / "bare.py").write_text(bare)
    assert len(faults(tmp_path)) == 4
    one = 'def f(c):\n    kill_point("a")\n    c.execute("COMMIT")\n    kill_point("b")\n'
    (tmp_path / "bare.py").write_text(one)
    assert faults(tmp_path) == []
