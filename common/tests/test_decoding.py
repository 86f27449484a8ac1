"""Decoding: typed, strict, and by several threads at once."""

import subprocess
import sys

from django.conf import settings

# In a process of its own, because a failure ends it without a word.
FIRST_USE = """
import sys, threading
import msgspec
from common import decoding

sys.setswitchinterval(1e-6)
for _ in range(100):
    line = msgspec.defstruct("Line", [("line", str), ("cash", int), ("tags", dict[str, int] | None, None)])
    order = msgspec.defstruct("Order", [("lines", list[line]), ("code", str), ("gifts", list[line], [])])
    barrier = threading.Barrier(8)

    def decode():
        barrier.wait()
        decoding.convert({"lines": [{"line": "1", "cash": 3}], "code": "o-1"}, order)

    threads = [threading.Thread(target=decode) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_eight_threads_that_decode_a_type_for_the_first_time_do_not_end_the_process():
    done = subprocess.run([sys.executable, "-c", FIRST_USE], cwd=settings.BASE_DIR, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
