"""Reads listings of Python, by their places, and prints the faults of those that do not compile."""

import json
import sys

faults = {}
for place, text in json.load(sys.stdin).items():
    try:
        compile(text, place, "exec")
    except SyntaxError as e:
        faults[place] = str(e)
json.dump(faults, sys.stdout)
