"""The file a Node.js program loads first to reach this server: ``node --require PRELOAD_PATH``."""

from __future__ import annotations

from pathlib import Path

PRELOAD_PATH: Path = Path(__file__).with_name("preload.cjs")
"""``preload.cjs`` as installed. It is one file without dependencies, and may be copied anywhere."""
