"""The parts of `make deps` and `make up`: standard library only, Python 3.11."""
