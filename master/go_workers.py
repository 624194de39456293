"""Lets a Go worker stop the run of all workers, or end the master: Environment.StopRun and Environment.Quit.

A stock master has no message for either. A locustfile has these by importing this module; the one that the command
`stub` of a Go worker prints holds the same function.
"""

import logging

import gevent
from locust import events
from locust.runners import MasterRunner


@events.init.add_listener
def obey_go_workers(environment, **_kwargs):
    runner, logger, ending = environment.runner, logging.getLogger("locust.go_workers"), []
    if not isinstance(runner, MasterRunner):
        return

    def stop():  # as the web UI's button does
        spawning = getattr(environment.web_ui, "_swarm_greenlet", None)
        if spawning is not None:
            spawning.kill()
        getattr(environment.web_ui, "_cancel_run_time_timer", lambda: None)()
        runner.stop()

    def end(code):
        if not ending:
            ending.append(code)
            environment.process_exit_code = code
            runner.quit()
            if environment.web_ui:
                environment.web_ui.stop()

    def on_stop(msg, **_kwargs):
        logger.error("Worker %s stops the run: %s", msg.node_id, msg.data["reason"])
        if environment.web_ui:
            gevent.spawn(stop)
        else:  # nobody could start another run
            gevent.spawn(end, 1)

    def on_quit(msg, **_kwargs):
        logger.info("Worker %s ends the test with exit code %d", msg.node_id, msg.data["code"])
        gevent.spawn(end, msg.data["code"])

    runner.register_message("go_stop_run", on_stop)
    runner.register_message("go_quit", on_quit)
