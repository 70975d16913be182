"""Named sets: the embedded one, the real ones where they are, and downloads from mirrors that behave and misbehave."""

from __future__ import annotations

import gzip
import hashlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from skimage.transform import resize

from restorae.data import named
from restorae.data.named import NAMES, IdxSet, load_named
from restorae.errors import BadImage, DataUnavailable, UnknownKind
from restorae.progress import Progress

# ------------------------------------------------------------------------------------------------- the embedded set


@pytest.fixture
def stored_digits() -> tuple[np.ndarray, np.ndarray]:
    with np.load(named.DIGITS) as stored:
        return stored["images"], stored["labels"]


def test_the_stored_digits_are_scikit_learns(stored_digits):
    images, labels = stored_digits
    original = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn").load_digits()
    assert np.array_equal(images, original.images)
    assert np.array_equal(labels, original.target)


def test_the_embedded_digits_have_the_content_that_the_bundled_models_were_trained_on():
    content = load_named("digits", "all").images.stored.tobytes()
    assert hashlib.sha256(content).hexdigest() == (
        "10734bc6feea667f925ccf7af6bda7541becf795fe1be82ac7ab25f3d068eba8"
    )


def test_digits_stand_in_mnists_frame(stored_digits):
    images, labels = stored_digits
    found = load_named("digits", "all")
    stored = found.images.stored
    assert stored.shape == (1797, 1, 28, 28)
    assert stored.dtype == np.uint8
    assert np.array_equal(found.labels, labels)
    frame = np.ones((28, 28), bool)
    frame[4:24, 4:24] = False
    assert not stored[:, 0, frame].any(), "a margin of 4 px is black"
    assert stored.max() == 255
    # each digit is enlarged by itself, nothing of its neighbours in it
    for index in (0, 1, 900, 1796):
        large = resize(
            images[index] / 16, (20, 20), order=3, mode="edge", anti_aliasing=False, clip=False
        )
        assert np.abs(stored[index, 0, 4:24, 4:24] / 255 - large.clip(0, 1)).max() < 1 / 255


def test_the_parts_of_digits_make_the_whole_and_share_nothing():
    train, test, whole = (load_named("digits", split) for split in ("train", "test", "all"))
    assert (len(train.images), len(test.images)) == (1437, 360)
    assert np.array_equal(
        np.concatenate([train.images.stored, test.images.stored]), whole.images.stored
    )
    assert np.array_equal(np.concatenate([train.labels, test.labels]), whole.labels)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(
        UnknownKind,
        match=r"There is no data set 'mnits'. Did you mean 'mnist'\? Known: digits, fashion-mnist, mnist",
    ):
        load_named("mnits", "all")


# ------------------------------------------------------------------------------------------------- the real ones


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_real_sets_are_whole(name, real_data):
    wanted = named.IDX_SETS[name]
    if not (real_data / name).is_dir():
        pytest.skip(f"{real_data} holds no {name}/")
    for file, checksum in wanted.checksums.items():
        if (real_data / name / file).is_file():
            assert hashlib.sha256((real_data / name / file).read_bytes()).hexdigest() == checksum, (
                file
            )
    train, test = load_named(name, "train"), load_named(name, "test")
    assert train.images.stored.shape == (60_000, 1, 28, 28)
    assert test.images.stored.shape == (10_000, 1, 28, 28)
    assert (len(train.labels), len(test.labels)) == (60_000, 10_000)
    assert sorted(set(train.labels.tolist())) == list(range(10))


def test_mnist_has_the_mean_and_spread_that_everybody_quotes(real_data):
    counts = np.bincount(load_named("mnist", "train").images.stored.ravel(), minlength=256)
    values, shares = np.arange(256) / 255, counts / counts.sum()
    mean = (values * shares).sum()
    assert mean == pytest.approx(0.1307, abs=5e-5)
    assert ((values - mean) ** 2 * shares).sum() ** 0.5 == pytest.approx(0.3081, abs=5e-5)


def test_all_is_train_and_then_test(real_data):
    whole, test = (
        load_named("mnist", "all", real_data),
        load_named("mnist", "test", real_data / "mnist"),
    )
    assert len(whole.images) == 70_000
    assert np.array_equal(whole.images.stored[60_000:], test.images.stored)
    assert np.array_equal(whole.labels[60_000:], test.labels)


# ------------------------------------------------------------------------------------------------- a small set like them

TRAIN = np.arange(6 * 3 * 4, dtype=np.uint8).reshape(6, 3, 4)
TEST = 255 - np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


FILES = {
    "train-images-idx3-ubyte.gz": packed(idx(TRAIN)),
    "train-labels-idx1-ubyte.gz": packed(idx(np.arange(6, dtype=np.uint8))),
    "t10k-images-idx3-ubyte.gz": packed(idx(TEST)),
    "t10k-labels-idx1-ubyte.gz": packed(idx(np.arange(2, dtype=np.uint8))),
}
FIRST = "train-images-idx3-ubyte.gz"
CHECKSUMS = {file: hashlib.sha256(content).hexdigest() for file, content in FILES.items()}


def use(monkeypatch: pytest.MonkeyPatch, *mirrors: str) -> None:
    """Let the name `mnist` stand for the small set on these mirrors."""
    monkeypatch.setitem(
        named.IDX_SETS,
        "mnist",
        IdxSet(
            name="mnist", about="a small set", licence="none", mirrors=mirrors, checksums=CHECKSUMS
        ),
    )
    monkeypatch.setattr(named, "SECONDS_TO_ANSWER", 1.5)


def put(folder: Path, files: Mapping[str, bytes] = FILES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    return folder


def check(split: str = "all", data_dir: Path | None = None) -> None:
    """The small set is what `mnist` gives."""
    found = load_named("mnist", split, data_dir)
    expected = {"train": [TRAIN], "test": [TEST], "all": [TRAIN, TEST]}[split]
    assert np.array_equal(found.images.stored[:, 0], np.concatenate(expected))
    assert len(found.labels) == len(found.images)


@pytest.mark.parametrize("split", ["train", "test", "all"])
@pytest.mark.parametrize("given", ["sets", "sets/mnist"])
def test_a_folder_that_is_named_is_read(tmp_path, monkeypatch, split, given):
    use(monkeypatch)
    put(tmp_path / "sets" / "mnist")
    check(split, tmp_path / given)
    monkeypatch.setenv("RESTORAE_DATA", str(tmp_path / given))
    check(split)


def test_the_files_of_one_set_are_not_taken_for_another(tmp_path, monkeypatch):
    use(monkeypatch)
    put(tmp_path / "fashion-mnist")
    with pytest.raises(DataUnavailable):
        load_named("mnist", "all", tmp_path / "fashion-mnist")


def test_unpacked_files_are_read_too(tmp_path, monkeypatch):
    use(monkeypatch)
    put(
        tmp_path / "mnist",
        {file.removesuffix(".gz"): gzip.decompress(content) for file, content in FILES.items()},
    )
    check("all", tmp_path)


def test_the_folder_that_is_named_wins_over_the_environment_and_the_cache(
    tmp_path, monkeypatch, cache
):
    use(monkeypatch)
    put(tmp_path / "named" / "mnist")
    other = dict(FILES) | {FIRST: packed(idx(np.zeros((6, 3, 4), np.uint8)))}
    monkeypatch.setenv("RESTORAE_DATA", str(put(tmp_path / "environment" / "mnist", other).parent))
    put(cache / "mnist", other)
    check("all", tmp_path / "named")


def test_the_cache_is_read_where_the_folder_holds_no_such_set(tmp_path, monkeypatch, cache):
    use(monkeypatch)
    put(cache / "mnist")
    check("all", tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (FILES[FIRST][:-20], "cut short or damaged"),
        (packed(idx(TRAIN)[:-1]), "cut short or damaged"),
        (
            packed(idx(TRAIN.reshape(6, 12))),
            r"shape \(6, 12\); expected uint8 \(count, height, width\)",
        ),
        (b"<html>moved</html>", "not an idx file"),
    ],
    ids=["cut short", "values missing", "of another shape", "a web page"],
)
def test_a_damaged_file_is_named(tmp_path, monkeypatch, content, told):
    use(monkeypatch)
    put(tmp_path / "mnist", dict(FILES) | {FIRST: content})
    with pytest.raises(BadImage, match=rf"train-images-idx3-ubyte.gz.*{told}"):
        load_named("mnist", "train", tmp_path)


def test_labels_that_are_too_few_are_reported(tmp_path, monkeypatch):
    use(monkeypatch)
    put(
        tmp_path / "mnist",
        dict(FILES) | {"train-labels-idx1-ubyte.gz": FILES["t10k-labels-idx1-ubyte.gz"]},
    )
    with pytest.raises(BadImage, match="holds 2 labels for 6 images"):
        load_named("mnist", "train", tmp_path)


# ------------------------------------------------------------------------------------------------- mirrors


class Mirror:
    """A server on this machine; `answer` writes the reply to a request for a file."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler, bytes], None]) -> None:
        mirror = self
        self.asked: list[str] = []
        self.over = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                file = self.path.rpartition("/")[2]
                mirror.asked.append(file)
                answer(self, FILES[file])

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.over = self.over  # type: ignore[attr-defined]
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/set"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self.thread.start()

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def send(handler: BaseHTTPRequestHandler, content: bytes, promised: int | None = None) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content) if promised is None else promised))
    handler.end_headers()
    handler.wfile.write(content)


def well(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    send(handler, content)


def with_another_file(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    send(handler, gzip.compress(b"something else"))


def not_found(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.send_error(404)


def out_of_order(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.send_error(503)


def cut_short(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    send(handler, content[: len(content) // 2], promised=len(content))


def cut_short_in_chunks(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.protocol_version = "HTTP/1.1"
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(f"{len(content):x}\r\n".encode() + content[: len(content) // 2])
    handler.close_connection = True


def hanging_up_halfway(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    send(handler, content[: len(content) // 2], promised=len(content))
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()  # a reset, not an end


def falling_silent_halfway(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    send(handler, content[: len(content) // 2], promised=len(content))
    handler.wfile.flush()
    handler.server.over.wait(5)  # type: ignore[attr-defined]


def never_answering(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.server.over.wait(5)  # type: ignore[attr-defined]


def in_no_known_language(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.wfile.write(b"220 mail ready\r\n\r\n")


BAD = [
    with_another_file,
    not_found,
    out_of_order,
    cut_short,
    cut_short_in_chunks,
    hanging_up_halfway,
    falling_silent_halfway,
    never_answering,
    in_no_known_language,
]
each_bad = pytest.mark.parametrize("answer", BAD, ids=lambda answer: answer.__name__)


@pytest.fixture
def mirror() -> Iterator[Callable[[Callable[[BaseHTTPRequestHandler, bytes], None]], Mirror]]:
    """Start mirrors that answer as they are told."""
    started: list[Mirror] = []

    def start(answer: Callable[[BaseHTTPRequestHandler, bytes], None]) -> Mirror:
        started.append(Mirror(answer))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def dead() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/set"


def lying_in(cache: Path) -> set[str]:
    return {path.name for path in cache.rglob("*") if path.is_file()}


def test_a_set_is_downloaded_once_and_then_lies_in_the_cache(monkeypatch, mirror, cache):
    good = mirror(well)
    use(monkeypatch, good.address)
    check("train")
    assert sorted(good.asked) == sorted(FILES)
    assert {path.name: path.read_bytes() for path in (cache / "mnist").iterdir()} == FILES
    good.asked.clear()
    check("all")
    assert good.asked == []


def test_only_what_is_missing_is_downloaded(monkeypatch, mirror, cache):
    good = mirror(well)
    use(monkeypatch, good.address)
    put(cache / "mnist", {file: content for file, content in FILES.items() if file != FIRST})
    check()
    assert good.asked == [FIRST]


def test_progress_reports_every_byte(monkeypatch, mirror, cache):
    heard: list[object] = []

    class Listener(Progress):
        def begin(self, task, total, unit):
            heard.append([task, total, unit, 0])

        def advance(self, count, figures={}):
            heard[-1][3] += count

        def end(self):
            heard.append("end")

    use(monkeypatch, mirror(well).address)
    load_named("mnist", "all", progress=Listener())
    assert heard[1::2] == ["end"] * 4
    for (task, total, unit, count), (file, content) in zip(heard[::2], FILES.items(), strict=True):
        assert file in task
        assert (total, unit, count) == (len(content), "bytes", len(content))


@each_bad
def test_where_one_mirror_fails_the_next_is_asked(monkeypatch, mirror, cache, answer):
    bad, good = mirror(answer), mirror(well)
    use(monkeypatch, bad.address, good.address)
    put(cache / "mnist", {file: content for file, content in FILES.items() if file != FIRST})
    check()
    assert (bad.asked, good.asked) == ([FIRST], [FIRST])
    assert lying_in(cache) == set(FILES)


def test_where_nobody_listens_the_next_is_asked(monkeypatch, mirror, cache, dead):
    use(monkeypatch, dead, mirror(well).address)
    check()


@each_bad
def test_where_none_answers_well_nothing_is_left_and_the_message_says_how_to_go_on(
    monkeypatch, mirror, cache, dead, answer
):
    bad = mirror(answer)
    use(monkeypatch, dead, bad.address)
    with pytest.raises(DataUnavailable) as caught:
        load_named("mnist", "train")
    told = str(caught.value)
    assert lying_in(cache) == set()
    assert f"{dead}/{FIRST}: " in told
    assert f"{bad.address}/{FIRST}: " in told
    for hint in ("could not be downloaded", "data_dir=", "RESTORAE_DATA", "'digits'", *FILES):
        assert hint in told


def test_a_wrong_checksum_is_called_that(monkeypatch, mirror, cache):
    use(monkeypatch, mirror(with_another_file).address)
    with pytest.raises(DataUnavailable, match="wrong checksum"):
        load_named("mnist", "train")


def test_a_cache_that_cannot_be_written_is_reported(tmp_path, monkeypatch, mirror, cache):
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    use(monkeypatch, mirror(well).address)
    with pytest.raises(Exception, match="a file is where a folder is needed") as caught:
        load_named("mnist", "train")
    assert type(caught.value).__module__ == "restorae.errors"


def test_every_set_has_mirrors_a_licence_and_four_checksums():
    for name, wanted in named.IDX_SETS.items():
        assert name == wanted.name
        assert name in NAMES
        assert len(wanted.mirrors) >= 2, "where one mirror is gone another must answer"
        assert all(
            mirror.startswith("https://") and not mirror.endswith("/") for mirror in wanted.mirrors
        )
        assert wanted.licence
        assert set(wanted.checksums) == set(FILES)
        assert all(len(bytes.fromhex(checksum)) == 32 for checksum in wanted.checksums.values())
