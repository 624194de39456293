"""What Python and Locust read, for the tests of package cli. Reads JSON from stdin and prints JSON.

Each answer stands where its question stood; null: refused. Values of files are lists of [key, [value, ...], is a list].

peer.py conf     [text, ...]                       -> [entries, ...]  ConfigArgParse's default format
peer.py toml     [text, ...]                       -> [entries, ...]  [tool.locust] of a TOML file
peer.py list     [text, ...]                       -> [[value, ...], ...]
peer.py int      [text, ...]                       -> [text of the int, ...]
peer.py float    [text, ...]                       -> [text of the finite float, ...]
peer.py close    [[wrong, [name, ...]], ...]       -> [name or "", ...]
peer.py argparse [[table, args, env, files], ...]  -> [[{name: [source, on, [value, ...]]}, [argument, ...]], ...]
"""

from locust.argument_parser import LocustArgumentParser, LocustConfigParser  # first: gevent patches the library

import difflib
import io
import json
import math
import sys

import configargparse


def entries(text, name):
    """What Locust's parser of configuration files makes of a text."""
    stream = io.StringIO(text, newline=None)
    stream.name = name
    items = LocustConfigParser().parse(stream)
    return [
        [key, [str(v) for v in value] if isinstance(value, list) else [value], isinstance(value, list)]
        for key, value in sorted(items.items())
    ]


def as_list(text):
    """The list syntax of environment variables, by way of a parser with such an option."""
    parser = configargparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--x", nargs="*", env_var="X")
    return parser.parse_args([], env_vars={"X": text}).x


def finite(text):
    """The repr of a finite float."""
    number = float(text)
    return repr(number) if math.isfinite(number) else None


def close(question):
    """The option that difflib thinks was meant."""
    return next(iter(difflib.get_close_matches(*question, n=1)), "")


def parse(question):
    """What a parser with the options of the table sets, and where each value comes from."""
    table, args, env, files = question

    class Files(configargparse.DefaultConfigFileParser):
        pass

    parser = LocustArgumentParser(
        prog="test",
        default_config_files=[lambda text=text, name=name: named(text, name) for name, text in files],
        config_file_parser_class=Files,
        add_help=False,
    )
    for option in table:
        kinds = {1: {"action": "store_true"}, 2: {}, 3: {"nargs": "*"}}
        parser.add_argument(*option["names"], env_var=option["env"] or None, **kinds[option["kind"]])
    parser.add_argument("arguments", nargs="*")
    parsed = vars(parser.parse_args(args, env_vars=env))
    arguments = parsed.pop("arguments")
    return [{name.replace("_", "-"): value for name, value in parsed.items()}, arguments]


def named(text, name):
    """A stream with a name."""
    stream = io.StringIO(text, newline=None)
    stream.name = name
    return stream


COMMANDS = {
    "conf": lambda text: entries(text, "a.conf"),
    "toml": lambda text: entries(text, "a.toml"),
    "list": as_list,
    "int": lambda text: str(int(text)),
    "float": finite,
    "close": close,
    "argparse": parse,
}


def answer(question):
    """The answer, or None."""
    try:
        return COMMANDS[sys.argv[1]](question)
    except (Exception, SystemExit) as refusal:
        print(f"{question!r}: {refusal!r}", file=sys.stderr)
        return None


print(json.dumps([answer(question) for question in json.load(sys.stdin)]))
