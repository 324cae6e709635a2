"""Runs a program in a terminal of its own, as a person would use it, and says in JSON what came of it.

    in-terminal.py PATIENCE_SECONDS STEPS PROGRAM ARGUMENTS...

STEPS is a JSON list, done in order: {"until": text} waits for text behind what was waited for before, {"send": keys} types,
{"resize": [columns, rows]} changes the window, {"signal": number} sends one. Then the program has to end.
"""
import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import termios
import time

patience_seconds, steps, program = float(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
deadline = time.monotonic() + patience_seconds
terminal, program_side = os.openpty()


def resize(columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def own_terminal():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


resize(80, 24)
before = termios.tcgetattr(program_side)
child = subprocess.Popen(
    program, stdin=program_side, stdout=program_side, stderr=program_side, start_new_session=True, preexec_fn=own_terminal
)
output = b""


def read():
    global output
    readable, _, _ = select.select([terminal], [], [], 0.1)
    if readable:
        output += os.read(terminal, 65536)
    return bool(readable)


def fail(why):
    child.kill()
    json.dump({"failed": why, "output": output.decode(errors="replace")}, sys.stdout)
    sys.exit(1)


seen = 0
for step in steps:
    if "until" in step:
        text = step["until"].encode()
        while (at := output.find(text, seen)) < 0:
            if child.poll() is not None and not read():
                fail(f"it ended before {step}")
            if time.monotonic() > deadline:
                fail(f"no patience left for {step}")
            read()
        seen = at + len(text)
    elif "send" in step:
        os.write(terminal, step["send"].encode())
    elif "resize" in step:
        resize(*step["resize"])
    else:
        child.send_signal(step["signal"])
while child.poll() is None:
    read()
    if time.monotonic() > deadline:
        fail("it does not end")
while read():
    pass
restored = termios.tcgetattr(program_side) == before
json.dump({"output": output.decode(errors="replace"), "exitCode": child.returncode, "restored": restored}, sys.stdout)
