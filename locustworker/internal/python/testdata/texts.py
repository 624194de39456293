"""What Python writes, for the tests of package python. Reads a JSON list from stdin and prints one.

texts.py repr       [text, ...]             -> [repr(text), ...]
texts.py float      [number, ...]           -> [repr(float), ...]
texts.py dumps      [text, ...]             -> [json.dumps(text), ...]
texts.py exception  [[text, number], ...]   -> [repr of an exception with these and another one, ...]
"""

import json
import sys

COMMANDS = {
    "repr": repr,
    "float": lambda number: repr(float(number)),
    "dumps": json.dumps,
    "exception": lambda pair: repr(ValueError(5, pair[0], float(pair[1]), KeyError(pair[0]))),
}

print(json.dumps([COMMANDS[sys.argv[1]](question) for question in json.load(sys.stdin)]))
