"""The daily judge: rules that depend on the day are judged again, each enrollment once on its site's day."""

from celery import shared_task

from pathway import actor, clock, flow, nudge
from pathway.actor import Service

BATCH = 200  # enrollments of one run, well within the time limit of a job


@shared_task
def judge_daily() -> None:
    """Judge one batch; while there was somebody to judge, ask for the next at once. Beat asks again anyway."""
    at = clock.now()
    with actor.acting(actor.service(Service.JUDGE)):
        judged = flow.judge_day(at=at, limit=BATCH)
    flow.beat("judge", at=at)
    if judged:
        nudge.nudge("pathway.jobs.judge.judge_daily")
