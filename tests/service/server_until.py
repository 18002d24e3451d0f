"""Runs a server until a process has ended, and deletes its folder: `server_until.py PROCESS FOLDER COMMAND…`."""

import os
import shutil
import subprocess
import sys

_LOOK_SECONDS = 0.5


def main() -> None:
    process, folder, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    server = subprocess.Popen(command, cwd=folder)
    while os.path.exists(f"/proc/{process}"):
        try:
            server.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        sys.exit(f"the server has ended with {server.returncode}")
    server.kill()  # nothing of it is needed any more
    server.wait()
    shutil.rmtree(folder, ignore_errors=True)


main()
