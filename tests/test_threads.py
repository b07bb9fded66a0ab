"""A query starts no threads, large scans use the cores, and other code finds its libraries as it left them."""

from __future__ import annotations

import threading

import pytest

from lookalike import threads
from lookalike.threads import in_parts, one_thread


@pytest.fixture
def libraries(monkeypatch):
    """BLAS, OpenMP (which counts by thread) and OpenCV with four threads each."""
    cv2, faiss = pytest.importorskip("cv2"), pytest.importorskip("faiss")
    before = cv2.getNumThreads(), faiss.omp_get_max_threads()
    cv2.setNumThreads(4)
    faiss.omp_set_num_threads(4)

    class Blas:
        """As threadpoolctl shows it: the first thread that sets a number decides for all others while it lives."""

        threading_layer = "pthreads"
        number = 4
        decides = None

        def get_num_threads(self):
            return self.number

        def set_num_threads(self, number):
            if self.decides is None or not self.decides.is_alive():
                self.decides = threading.current_thread()
            if self.decides is threading.current_thread():
                self.number = number

    blas = Blas()
    monkeypatch.setattr(threads, "_blas", lambda with_cv2: [blas])
    yield lambda: (blas.number, faiss.omp_get_max_threads(), cv2.getNumThreads())
    cv2.setNumThreads(before[0])
    faiss.omp_set_num_threads(before[1])


def test_inside_one_thread_no_library_starts_others_and_afterwards_all_do_again(libraries):
    before = libraries()
    with pytest.raises(KeyError), one_thread():
        with one_thread():
            assert libraries() == (1, 1, 1)
        assert libraries() == (1, 1, 1)
        raise KeyError
    assert libraries() == before == (4, 4, 4)


def test_it_holds_for_every_thread_whichever_was_the_first_inside(libraries):
    seen = []

    def other():
        with one_thread():
            seen.append(libraries())
        seen.append(libraries()[0])

    with one_thread():
        assert libraries() == (1, 1, 1)
    for _ in range(2):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(10)
    assert seen == [(1, 1, 1), 4] * 2


def test_the_last_thread_to_leave_turns_the_libraries_on_again(libraries):
    inside, leave = threading.Event(), threading.Event()

    def other():
        with one_thread():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with one_thread():
        thread.start()
        assert inside.wait(10)
    assert libraries()[0] == libraries()[2] == 1, "somebody is still inside"
    leave.set()
    thread.join()
    assert libraries() == (4, 4, 4)


@pytest.mark.parametrize("cores", [1, 2, 5])
@pytest.mark.parametrize("items", [0, 1, 3, 1000])
def test_a_scan_covers_every_item_once_and_only_a_large_one_is_shared(monkeypatch, cores, items):
    monkeypatch.setattr(threads, "CORES", cores)
    small = in_parts(lambda start, stop: (start, stop), items, threads.WORTH_SPLITTING - 1)
    assert small == [(0, items)]
    parts = in_parts(lambda start, stop: list(range(start, stop)), items, threads.WORTH_SPLITTING)
    assert [item for part in parts for item in part] == list(range(items))
    assert len(parts) == (cores if items >= cores else 1)
