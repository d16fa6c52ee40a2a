"""Runs a program on a terminal of its own, and types each answer once its question is shown.

usage: on_a_terminal.py '[["question", "answer\\n"], …]' PROGRAM ARGUMENT…
A number instead of an answer sets the width of the terminal in columns; {"type": "answer", "once": "PATH"} waits until
the file PATH exists. The script gives up after 60 s.
Prints the terminal's output, and exits with the program's exit code.
"""

import json
import os
import pty
import re
import select
import sys
import termios
import time

# Words of questions whose answers are not echoed.
HIDDEN = re.compile("password|secret|again|repeat", re.IGNORECASE)


def has_echo():
    return termios.tcgetattr(terminal)[3] & termios.ECHO


answers = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    termios.tcsetwinsize(0, (24, 100))
    os.execv(sys.argv[2], sys.argv[2:])

shown, looked_at, end = b"", 0, time.monotonic() + 60
while time.monotonic() < end:
    readable, _, _ = select.select([terminal], [], [], 0.1)
    try:
        shown += os.read(terminal, 4096) if readable else b""
    except OSError:  # EIO: on Linux, no process has the other end open any more
        break
    if answers and answers[0][0].encode() in shown[looked_at:]:
        looked_at = len(shown)
        question, answer = answers.pop(0)
        # The question is shown before echo is switched off, which discards anything typed until then.
        while HIDDEN.search(question) and has_echo() and time.monotonic() < end:
            time.sleep(0.01)
        if isinstance(answer, dict):
            while not os.path.exists(answer["once"]) and time.monotonic() < end:
                time.sleep(0.01)
            answer = answer["type"]
        if isinstance(answer, int):
            termios.tcsetwinsize(terminal, (24, answer))
        else:
            os.write(terminal, answer.encode())
else:
    os.kill(pid, 9)
    shown += b"\n(it did not end)"

_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(status) % 256)
