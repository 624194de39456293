"""Answer with what was asked: one question without arguments, else line by line."""

import json
import sys

if len(sys.argv) > 1:
    print(json.dumps([sys.argv[1], json.load(sys.stdin)]))
else:
    for line in sys.stdin:
        print(line, end="", flush=True)
