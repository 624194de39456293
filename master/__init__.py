"""What the Locust master loads beside locustfile.py: its page for Prometheus, and load shapes."""
