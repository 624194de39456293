"""Puts the project's root where imports look, as Locust does for its locustfile."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

# A plugin of pytest has imported ssl, and then gevent must not patch it any more. Other tests start Locust anew: the
# variable is not for them.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
import locust  # noqa: F401

del os.environ["LOCUST_SKIP_MONKEY_PATCH"]
