"""The daily judge: rules that depend on the day are judged again, each enrollment once on its site's day."""

from celery import shared_task

from pathway import flow, nudge
from pathway.actor import Service
from pathway.jobs.working import working

BATCH = 200  # enrollments of one run, well within the time limit of a job


@shared_task
def judge_daily() -> None:
    """Judge one batch; while there was somebody to judge, ask for the next at once. Beat asks again anyway.

    A day that may not be today is not judged.
    """
    with working(Service.JUDGE, "judge") as reading:
        judged = flow.judge_day(at=reading.at, limit=BATCH) if flow.is_clock_trusted(reading) else 0
    if judged:
        nudge.nudge("pathway.jobs.judge.judge_daily")
