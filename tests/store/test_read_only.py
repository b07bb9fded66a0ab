"""Collections that cannot be written can be searched, as what was committed last."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from samples import draw

SRC = Path(__file__).parents[2] / "src"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1"}
ROOT = os.geteuid() == 0
NO_CAPABILITIES = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"] if ROOT else []
"""Before a command: root, too, may then write only what its permissions say."""


def command(code, *arguments):
    return [*NO_CAPABILITIES, sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]


def as_reader(code, *arguments):
    """Run Python as somebody who may write only where permissions say so; its output."""
    done = subprocess.run(command(code, *arguments), env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def path(path):
    yield path
    allow(path)


def forbid(path):
    for file in [path, *path.rglob("*")]:
        os.chmod(file, 0o555 if file.is_dir() else 0o444)
    return path


def allow(path):
    for file in [path, *path.rglob("*")]:
        os.chmod(file, file.stat().st_mode | stat.S_IWUSR)


SEARCH = """
    import sys
    from lookalike import Collection
    with Collection(sys.argv[1]) as album:
        matches = album.search(id=int(sys.argv[2]), k=3, methods="color")
        print(len(album), album.info().pictures, matches[0].id, len(album.duplicates()) < 8)
"""


def test_a_collection_that_cannot_be_written_is_searched_and_left_as_it_is(path):
    names = sorted(p.name for p in forbid(path).rglob("*"))
    assert as_reader(SEARCH, path, 4) == ["8", "8", "4", "True"]
    assert sorted(p.name for p in path.rglob("*")) == names


def test_writing_to_it_is_refused_in_one_line(path, tmp_path):
    code = """
        import sys
        from lookalike import Collection, CollectionError
        with Collection(sys.argv[1]) as album:
            for use in (album.index, album.compact, album.check, lambda: album.remove(["/x"])):
                try:
                    use()
                except CollectionError as error:
                    print("cannot" if "cannot be written" in str(error) else error)
    """
    assert as_reader(code, forbid(path)) == ["cannot"] * 4


def test_changes_in_a_write_ahead_log_that_was_left_behind_are_seen(path, tmp_path):
    """A writer was killed, and the collection copied to where nothing can be written."""
    draw(tmp_path / "more" / "9.png", 9)
    code = """
        import os, signal, sys
        from lookalike import Collection
        from lookalike.ingest.run import Options
        from lookalike.store.connection import Connections
        Connections.close_writer = lambda self: os.kill(os.getpid(), signal.SIGKILL)
        Collection(sys.argv[1]).index([sys.argv[2]], options=Options(workers=0))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(path), str(tmp_path / "more")], env=ENVIRONMENT, check=False
    )
    assert done.returncode == -signal.SIGKILL and (path / "catalogue.sqlite-wal").stat().st_size
    with_index = shutil.copytree(path, path.parent / "copy")
    (path / "catalogue.sqlite-shm").unlink()
    for place in (path, with_index):
        assert as_reader(SEARCH, forbid(place), 9) == ["9", "9", "9", "True"]
        allow(place)


@pytest.mark.skipif(not ROOT, reason="only root can act for two users")
def test_a_reader_who_may_not_write_sees_what_the_owner_commits(path, folder, tmp_path):
    """The owner's process writes while another user's has the collection open."""
    code = """
        import sys
        from lookalike import Collection
        with Collection(sys.argv[1]) as album:
            print(len(album), flush=True)
            sys.stdin.readline()
            print(len(album), flush=True)
            sys.stdin.readline()
            print(len(album), len(album.search(id=4, methods="phash")), flush=True)
    """
    from lookalike import Collection
    from samples import HERE

    draw(tmp_path / "more" / "9.png", 9)
    for file in [path, *path.rglob("*")]:
        os.chown(file, 65534, 65534)
    process = subprocess.Popen(
        command(code, path), env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process, Collection(path) as album:
        assert process.stdout.readline().split() == ["8"]
        album.index([tmp_path / "more"], options=HERE)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline().split() == ["9"]
        album.remove([folder / "000.png", folder / "001.png"])
        album.compact()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline().split() == ["7", "7"]
        process.stdin.close()
    assert process.returncode == 0
