"""What makes the Grafana dashboards in grafanaTemplate/dashboards: standard library only.

`python3 scripts/make_dashboards.py` writes them; a test fails while they differ from what it would write.
"""
