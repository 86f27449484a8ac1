import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from django.conf import settings
from django.db import connection

from common.models import AuditEntry, JobRun
from common.services import audit, jobs
from common.tests.conftest import AT

pytestmark = pytest.mark.django_db

SPANS = [(1, 10), (11, 20), (21, 30)]


def work(first, last):
    """Leaves one audit entry a chunk, so that a test can count what was really done."""
    audit.record(audit.Actor("job"), "worked", None, f"{first}-{last}", AT)
    return {"rows": last - first + 1}


def worked():
    return sorted(AuditEntry.objects.filter(action="worked").values_list("summary", flat=True))


def run(work=work, spans=SPANS, **options):
    return jobs.run("sweep", AT, spans=lambda: spans, work=work, at=AT, **options)


def test_a_job_does_every_chunk_and_adds_up_what_was_done():
    done = run()
    assert (done.status, done.counts, done.error) == ("done", {"rows": 30}, "")
    assert done.finished_at >= done.started_at == AT
    assert worked() == ["1-10", "11-20", "21-30"]


def test_a_second_run_for_the_same_instant_does_nothing():
    first, second = run(), run()
    assert first.pk == second.pk
    assert len(worked()) == 3


def test_the_spans_are_asked_for_once():
    asked = []

    def spans():
        asked.append(1)
        return SPANS

    for _ in range(2):
        jobs.run("sweep", AT, spans=spans, work=work, at=AT)
    assert asked == [1]


def test_a_job_without_anything_to_do_is_done():
    assert (run(spans=[]).status, worked()) == ("done", [])


def test_progress_is_told_after_each_chunk():
    seen = []
    run(progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_chunk_that_fails_is_rolled_back_and_the_next_run_goes_on_from_there():
    def fail_at_eleven(first, last):
        counts = work(first, last)
        if first == 11:
            raise RuntimeError("the eleventh")
        return counts

    with pytest.raises(RuntimeError):
        run(fail_at_eleven)
    failed = JobRun.objects.get()
    assert failed.status == "failed"
    assert "the eleventh" in failed.error
    assert worked() == ["1-10"]
    resumed = run(spans=[(99, 100)])
    assert (resumed.pk, resumed.status, resumed.counts, resumed.error) == (failed.pk, "done", {"rows": 30}, "")
    assert worked() == ["1-10", "11-20", "21-30"]


def test_a_chunk_costs_few_queries(django_assert_max_num_queries):
    run(spans=[])
    JobRun.objects.all().delete()
    with django_assert_max_num_queries(21 + 10 * 5):  # savepoint, claim, mark, release, and the plan and the end
        run(lambda first, last: {}, spans=[(i, i) for i in range(10)])


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_at_once_share_the_chunks_and_all_see_the_end():
    spans = [(i, i) for i in range(40)]
    ends, by_thread = [], set()

    def slow(first, last):
        by_thread.add(threading.get_ident())
        time.sleep(0.005)
        return work(first, last)

    def go():
        try:
            ends.append(run(slow, spans).status)
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == ["done"] * 3
    assert len(by_thread) > 1
    assert len(worked()) == len(set(worked())) == 40
    assert JobRun.objects.get().counts == {"rows": 40}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_of_a_chunk_loses_and_doubles_nothing():
    script = """
        import os, sys, time
        import django
        django.setup()
        from common.tests.services import test_jobs
        def work(first, last):
            counts = test_jobs.work(first, last)
            if first == 11:
                print("in the middle", flush=True)
                time.sleep(60)
            return counts
        test_jobs.run(work)
    """
    config = connection.settings_dict
    url = f"postgres://{config['USER']}:{config['PASSWORD']}@{config['HOST']}:{config['PORT']}/{config['NAME']}"
    worker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"]},
        cwd=settings.BASE_DIR,
    )
    assert b"in the middle" in worker.stdout.readline()
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert worked() == ["1-10"]
    assert (run().status, worked()) == ("done", ["1-10", "11-20", "21-30"])
