"""One session a process, fixed batches, and no processor but the one asked for."""

import multiprocessing
import os

import numpy as np
import pytest
from brought_case import FakeCoarse, chest, make_volume, model_of, shifted

from screening.inference import brought, infer, open_model, require_providers
from screening.inference.runtime import (
    CPU_PROVIDER,
    CUDA_PROVIDER,
    RUNTIME_ERRORS,
    ProviderError,
    new_session,
    ort,
    run_in_batches,
)
from screening.inference.session import networks, threads_here
from screening.reasons import Reason, State, state_of
from screening.records import Rejection
from screening.resources import models_folder

COARSE = models_folder() / "default" / "coarse.onnx"


@pytest.fixture
def no_gpu():
    if CUDA_PROVIDER in new_session(COARSE, 1, "auto").get_providers():
        pytest.skip("this machine has a GPU that loads")


def test_cuda_that_does_not_load_is_one_line_and_nothing_on_the_terminal(no_gpu, capfd):
    with pytest.raises(ProviderError, match="CUDA did not load") as caught:
        new_session(COARSE, 1, "cuda")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_it_is_known_before_the_first_scan(no_gpu):
    require_providers("cpu")
    require_providers("auto")
    with pytest.raises(ProviderError):
        require_providers("cuda")


def test_auto_takes_what_there_is_and_says_which(no_gpu):
    assert networks(open_model(providers="auto"), 1).provider == CPU_PROVIDER


def test_a_gpu_lost_in_the_night_leaves_scans_pending(no_gpu, tmp_path):
    """Of either kind of model: infrastructure, not the scan's fault, and never a score."""
    volume = make_volume(chest())
    shape = ["n", 1, 240, 240]
    model_of(shifted(tmp_path / "n.onnx", shape, shape), tmp_path / "m")
    for name in ("default", str(tmp_path / "m")):
        found = infer(open_model(name, "cuda"), volume, 1)
        assert isinstance(found, Rejection)
        assert found.reason is Reason.NO_GPU
    assert state_of(Reason.NO_GPU) is State.PENDING


def test_the_brought_network_is_opened_once_a_process(tmp_path, monkeypatch):
    shape = ["n", 1, 240, 240]
    model = model_of(shifted(tmp_path / "n.onnx", shape, shape), tmp_path / "m")
    monkeypatch.setattr(brought, "networks", lambda *_: FakeCoarse())
    opened = []
    real = ort.InferenceSession

    def counting(*args, **kwargs):
        opened.append(args[0])
        return real(*args, **kwargs)

    monkeypatch.setattr(ort, "InferenceSession", counting)
    assert opened == []  # lazy: opening the model opened no session
    for _ in range(3):
        infer(model, make_volume(chest()), 1)
    assert len(opened) == 1


def _threads_of(cores, queue):
    os.sched_setaffinity(0, cores)
    queue.put(threads_here())


def test_threads_follow_the_affinity_mask():
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    core = {min(os.sched_getaffinity(0))}
    process = context.Process(target=_threads_of, args=(core, queue))
    process.start()
    assert queue.get(timeout=120) == 1
    process.join()


class FakeSession:
    """Doubles its input; out of memory above `room` rows."""

    def __init__(self, provider, room=99):
        self.provider, self.room, self.calls = provider, room, []

    def get_providers(self):
        return [self.provider]

    def run(self, names, feeds):
        (x,) = feeds.values()
        self.calls.append(len(x))
        if len(x) > self.room:
            raise RUNTIME_ERRORS[-1]("Failed to allocate memory for requested buffer")
        return [x * 2]


@pytest.mark.parametrize(
    ("provider", "calls"), [(CPU_PROVIDER, [4, 4, 2]), (CUDA_PROVIDER, [4, 4, 4])]
)
def test_on_a_gpu_every_call_has_one_shape(provider, calls):
    session = FakeSession(provider)
    x = np.arange(10, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(run_in_batches(session, None, {"x": x}, 4), 2 * x)
    assert session.calls == calls


@pytest.mark.parametrize("room", [1, 2, 3])
def test_out_of_memory_halves_the_batch(room):
    session = FakeSession(CUDA_PROVIDER, room)
    x = np.arange(7, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(run_in_batches(session, None, {"x": x}, 4), 2 * x)
    assert max(session.calls[2 if room == 1 else 1 :]) <= room


def test_a_single_row_that_does_not_fit_is_an_error():
    with pytest.raises(RUNTIME_ERRORS[-1]):
        run_in_batches(FakeSession(CPU_PROVIDER, 0), None, {"x": np.ones((2, 1), np.float32)}, 2)
