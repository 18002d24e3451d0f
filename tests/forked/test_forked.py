"""The server outlives whoever asks it."""

import random
import subprocess
import time

from tests import forked


def test_programs_killed_while_they_ask_do_not_end_the_server() -> None:
    delays = random.Random(1)
    for _ in range(60):
        asking = subprocess.Popen([forked.python(), "-c", "import time; time.sleep(600)"])
        time.sleep(delays.uniform(0.0, 0.06))
        asking.kill()
        asking.wait()
    asked = subprocess.run([forked.python(), "-c", "print(7)"], capture_output=True, text=True, timeout=60, check=True)
    assert asked.stdout == "7\n"
