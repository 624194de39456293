"""Users of a stock Locust worker that send no traffic but record samples."""

from locust import User, constant, task


class Alpha(User):
    wait_time = constant(0.1)

    @task
    def sample(self):
        request = self.environment.events.request
        for ms in (0.25, 12.5, 1048.75):
            request.fire(request_type="GET", name="/ok", response_time=ms, response_length=7, exception=None, context={})
        request.fire(request_type="X", name="/untimed", response_time=None, response_length=0, exception=None, context={})
        request.fire(
            request_type="POST", name="/fail", response_time=3.5, response_length=0, exception=Exception("bad"), context={}
        )
        raise ValueError("a task that fails")


class Beta(User):
    wait_time = constant(60)

    @task
    def nothing(self):
        pass
