"""The load test of the REST service; its Python half is in twin."""
