#!/usr/bin/env python3
"""make dashboards: writes grafanaTemplate/dashboards/*.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dashboards import formats, run, system
from dashboards.panels import Json

FOLDER = Path(__file__).resolve().parent.parent / "grafanaTemplate" / "dashboards"


def files() -> dict[Path, str]:
    """The text of each file."""
    made: dict[str, Json] = {
        "run.json": run.run_dashboard(),
        "json-hash-string.json": formats.formats_dashboard(),
        "system.json": system.system_dashboard(),
    }
    return {FOLDER / name: json.dumps(content, indent=2) + "\n" for name, content in made.items()}


def main() -> int:
    """Writes all files."""
    for file, text in files().items():
        file.write_text(text)
        print(f"dashboards: {file.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
