"""Print Locust's error key and Python's repr for [method, name, text] lines."""

import json
import sys

from locust.stats import StatsError

for line in sys.stdin:
    method, name, text = json.loads(line)
    print(json.dumps({"key": StatsError.create_key(method, name, text), "repr": repr(text)}))
