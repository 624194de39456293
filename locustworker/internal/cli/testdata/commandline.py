"""What the installed Locust makes of command lines and locustfiles, for the tests of package locustworker.

commandline.py options                                -> the options of argument_parser.py
commandline.py defaults                               -> [name, ...] of Locust's own arguments
commandline.py attributes                             -> [name, ...] of users and task sets
commandline.py parse   [[args, env, files], ...]      -> [values or [exit code, text], ...]
commandline.py timespan [text, ...]                   -> [seconds or null: refused, ...]
commandline.py ratios  [[locustfile, users], ...]     -> [[what --show-task-ratio-json prints, --show-task-ratio], ...]
commandline.py classes [locustfile, ...]              -> [{class: what it declares}, ...]
commandline.py equal   [locustfile, ...]              -> [{class: its tasks after --equal-weights}, ...]

All but the first three read JSON from stdin; all print JSON.
"""

from locust.argument_parser import default_args_dict, get_parser  # first: gevent patches the standard library

import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path

from locust import MarkovTaskSet, SequentialTaskSet, TaskSet, User
from locust.env import Environment
from locust.user.inspectuser import print_task_ratio, print_task_ratio_json
from locust.util.load_locustfile import load_locustfile
from locust.util.timespan import parse_timespan


def options():
    """Every option: its names, variable, what it takes and how its value is checked."""
    return [
        {
            "names": action.option_strings,
            "env": action.env_var or "",
            "action": type(action).__name__,
            "list": action.nargs == "*",
            "type": getattr(action.type, "__qualname__", ""),
        }
        for action in get_parser()._actions
        if action.option_strings
    ]


def defaults():
    """The names of what a master sends beside a locustfile's own arguments."""
    return sorted(default_args_dict())


def attributes():
    """What a task of that name would hide."""
    return sorted({name for cls in (User, TaskSet, SequentialTaskSet, MarkovTaskSet) for name in dir(cls)})


def parse(question):
    """The values of the options that a worker obeys."""
    args, env, files = question[0] or [], question[1] or {}, question[2] or {}
    errors = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(env, HOME=folder + "/home")
        (Path(folder) / "home").mkdir()
        for name, text in files.items():
            Path(os.path.expanduser(name)).write_text(text)
        try:
            with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(errors):
                parsed = vars(get_parser().parse_args(args))
        except SystemExit as end:
            return [end.code, errors.getvalue()]
        finally:
            os.chdir("/")
    kept = """master master_host master_port host tags exclude_tags stop_timeout equal_weights reset_stats loglevel logfile skip_log_setup
        exit_code_on_error processes user_classes config_users list_commands show_task_ratio show_task_ratio_json num_users"""
    return {name: parsed[name] for name in kept.split()}


def timespan(text):
    """The seconds of a time."""
    try:
        return parse_timespan(text)
    except ValueError:
        return None


def loaded(text):
    """The user classes of a locustfile, by name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "locustfile.py"
        path.write_text(text)
        return load_locustfile(str(path))[0]


def ratios(question):
    """What the two options print."""
    text, users = question
    classes = list(loaded(text).values())
    Environment(user_classes=classes)  # drops those without a weight
    printed = []
    for show in (
        lambda: print_task_ratio_json(classes, users),
        lambda: (print_task_ratio(classes, users, False), print_task_ratio(classes, users, True)),
    ):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            show()
        printed.append(out.getvalue())
    return printed


def tasks(holder):
    """The tasks of a class or a set."""
    found = {}
    markov = [item for name, item in vars(holder).items() if "transitions" in dir(item) and name != "current"]
    for task in markov if issubclass(holder, MarkovTaskSet) else holder.tasks:
        row = found.setdefault(task.__name__, {"weight": 0, "tags": [], "kind": "", "tasks": None})
        row["weight"] += 1
        row["tags"] = sorted(getattr(task, "locust_tag_set", ()))
        if markov:
            row["next"] = sorted(task.transitions)
        if isinstance(task, type):
            row["kind"] = task.__bases__[0].__name__
            row["tasks"] = tasks(task)
            row["wait"] = wait(task) if "wait_time" in vars(task) else None
    return found


def wait(holder):
    """The wait time's function and its arguments, sorted."""
    function = holder.wait_time
    arguments = [cell.cell_contents for cell in function.__closure__]
    return [function.__qualname__.split(".")[0], *sorted(map(str, map(float, arguments)))]


def classes(text):
    """What each class declares, and what becomes of a user that starts."""
    described = {}
    for name, cls in loaded(text).items():
        assert name == cls.__name__, (name, cls)
        described[name] = {
            "wait": wait(cls),
            "weight": cls.weight,
            "fixed_count": cls.fixed_count,
            "host": cls.host or "",
            "tasks": tasks(cls),
            "failure": "",
        }
        try:
            cls(Environment()).on_start()
        except Exception as error:
            described[name]["failure"] = repr(error)
    return described


def equal(text):
    """The weight and the tasks of each class."""
    environment = Environment(user_classes=list(loaded(text).values()))
    environment.assign_equal_weights()
    return {cls.__name__: {"weight": cls.weight, "tasks": tasks(cls)} for cls in environment.user_classes}


command = globals()[sys.argv[1]]
print(json.dumps(command() if command in (options, defaults, attributes) else [command(q) for q in json.load(sys.stdin)]))
