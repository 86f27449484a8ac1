"""The schedule names tasks that exist, and the embedded broker carries messages whole."""

import re
import threading
from pathlib import Path

from kombu import Connection

from config.celery import app


def test_every_scheduled_task_exists():
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert scheduled - set(app.tasks) == set()


def test_the_operations_page_names_every_scheduled_task(settings):
    page = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert scheduled == set(re.findall(r"`((?:\w+)\.tasks\.\w+)`", page))


def _connection(folder: Path) -> Connection:
    options = {"data_folder_in": str(folder / "data"), "data_folder_out": str(folder / "data")}
    return Connection("safefs://", transport_options={**options, "control_folder": str(folder / "control")})


def test_messages_written_while_others_read_arrive_whole_and_once(tmp_path):
    count, writers = 100, 3
    received: list[int] = []

    def write(writer: int) -> None:
        with _connection(tmp_path) as connection, connection.SimpleQueue("work") as queue:
            for number in range(count):
                queue.put({"number": writer * count + number, "filler": "x" * 20_000})

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    with _connection(tmp_path) as connection, connection.SimpleQueue("work") as queue:
        for thread in threads:
            thread.start()
        while len(received) < count * writers:
            message = queue.get(timeout=20)
            received.append(message.payload["number"])
            message.ack()
    for thread in threads:
        thread.join()
    assert sorted(received) == list(range(count * writers))
    assert [path.name for path in (tmp_path / "data").iterdir()] == []
