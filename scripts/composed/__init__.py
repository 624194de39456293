"""The parts of `make test-compose`."""
