"""Jobs: Celery wakes, PostgreSQL remembers. Each only calls `flow` or `office`, with ids or nothing as arguments.

They are imported here, so that a worker which finds one of them knows them all.
"""

from pathway.jobs import audit, deliveries, judge, sweep

__all__ = ["audit", "deliveries", "judge", "sweep"]
