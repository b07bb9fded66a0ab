"""`lookalike index --watch`: what changes in the folders is indexed, until it is interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

from samples import photo


def test_a_picture_that_arrives_later_is_indexed(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    photo("coffee.png").save(folder / "first.png")
    command = [sys.executable, "-m", "lookalike", "-c", str(tmp_path / "album"), "index", str(folder), "--watch"]
    # background jobs of some shells start with SIGINT ignored, which children inherit
    process = subprocess.Popen(
        [*command, "--method", "phash", "--workers", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    killer = threading.Timer(120, process.kill)
    killer.start()
    try:
        assert process.stdout is not None and process.stderr is not None
        while "following 1 folder" not in process.stderr.readline():
            assert process.poll() is None
        stop = threading.Event()

        def keep_adding():
            number = 0
            while not stop.wait(1.5):  # the first may come before the watch is set up
                photo("rocket.jpg").save(folder / f"later-{number}.png")
                number += 1

        adding = threading.Thread(target=keep_adding)
        adding.start()
        seen = [process.stdout.readline() for _ in range(2)]
        seen.append(process.stdout.readline())
        stop.set()
        adding.join()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    finally:
        killer.cancel()
        process.kill()
    assert seen[0].startswith("1 added") and "1 picture can be found now" in seen[1]
    assert "added" in seen[2]
    assert process.returncode == 0 and "no longer following" in errors
