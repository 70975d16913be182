"""Files in object stores: restored like local ones, whole or not at all, and what is wrong is said without secrets."""

from __future__ import annotations

import json
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from restorae.cluster import libraries
from restorae.cluster.tasks import plan_cluster_tasks
from restorae.cluster.worker import Outcome
from restorae.errors import BadImage, Fix, Message, MissingExtra, UsageError
from restorae.restoring.sources import remote_uri
from tests.command import run

MODEL = ["--model", "classical:median"]


def upload(s3: Any, folder: Path, prefix: str) -> None:
    for path in folder.rglob("*.*"):
        s3.upload_file(str(path), "archive", f"{prefix}/{path.relative_to(folder).as_posix()}")


def contents(s3: Any, prefix: str) -> dict[str, bytes]:
    listed = s3.list_objects_v2(Bucket="archive", Prefix=f"{prefix}/").get("Contents", [])
    return {
        each["Key"].removeprefix(f"{prefix}/"): s3.get_object(Bucket="archive", Key=each["Key"])[
            "Body"
        ].read()
        for each in listed
    }


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        (Path("s3://bucket/a b/c.png"), "s3://bucket/a b/c.png"),
        ("gs://bucket", "gs://bucket"),
        (Path("https://host/scan.png"), "https://host/scan.png"),
        (Path("s3/bucket"), None),
        ("/s3:/bucket", None),
    ],
)
def test_addresses_are_told_from_paths(path: Path | str, uri: str | None) -> None:
    assert remote_uri(path) == uri


def test_outcomes_are_sent_as_text() -> None:
    failure = Message("too {}", subject="a.png", settings=("tile",), fixes=(Fix("tile", 68),))
    outcome = Outcome(index=3, chosen=("photo-denoiser", "a photograph"), failure=failure)
    assert Outcome.from_json(outcome.to_json()) == outcome


@pytest.mark.parametrize(
    ("source", "out"),
    [("scans", "scans/restored"), ("scans", "scans"), ("s3://a/scans", "s3://a/scans/restored")],
)
def test_results_do_not_go_into_the_folder_that_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    with pytest.raises(UsageError, match="into the folder that is read"):
        plan_cluster_tasks([Path(source)], Path(out))


def test_a_missing_library_names_the_extra(scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    outcome = run("restore", scans, "--out", "restored", "--cluster", "auto", cwd=scans.parent)
    assert outcome.status == 1
    assert "restorae[cluster]" in outcome.complaint
    with pytest.raises(MissingExtra, match="gcsfs"):
        libraries.import_fsspec("gs")


@pytest.mark.slow
def test_a_folder_in_a_store_is_restored_like_a_local_one(scans: Path, s3: Any) -> None:
    cwd = scans.parent
    upload(s3, scans, "scans")
    s3.put_object(Bucket="archive", Key="scans/notes.txt", Body=b"words")
    s3.put_object(Bucket="archive", Key="scans/broken.png", Body=b"no image")
    assert run("restore", scans, "--out", "plain", *MODEL, cwd=cwd).status == 0
    words = ["restore", "s3://archive/scans", "--out", "s3://archive/restored", *MODEL]
    outcome = run(*words, cwd=cwd)
    assert outcome.status == 1
    assert "passed over 1 other" in outcome.err
    assert "s3://archive/scans/broken.png" in outcome.err
    found = contents(s3, "restored")
    log = [json.loads(line) for line in found.pop("restored.jsonl").splitlines()]
    assert found == {
        path.relative_to(cwd / "plain").as_posix(): path.read_bytes()
        for path in (cwd / "plain").rglob("*.png")
    }
    assert {line["output"] for line in log} >= {f"s3://archive/restored/{name}" for name in found}
    assert "/tmp" not in json.dumps(log)

    assert "exists already" in run(*words, cwd=cwd).err
    s3.delete_object(Bucket="archive", Key="restored/box/scan 5.png")
    outcome = run(*words, "--skip-existing", cwd=cwd)
    assert "1 of 2 restored" in outcome.err
    assert len(contents(s3, "restored").pop("restored.jsonl").splitlines()) == 9


@pytest.mark.slow
def test_one_file_goes_from_a_store_to_a_disk_and_back(scans: Path, s3: Any) -> None:
    cwd = scans.parent
    upload(s3, scans, "scans")
    source = "s3://archive/scans/scan 1.png"
    assert run("restore", source, "--out", "here.tif", *MODEL, cwd=cwd).status == 0
    assert run("restore", scans / "scan 1.png", "--out", "plain.tif", *MODEL, cwd=cwd).status == 0
    assert (cwd / "here.tif").read_bytes() == (cwd / "plain.tif").read_bytes()
    back = "s3://archive/back/it.tif"
    assert run("restore", scans / "scan 1.png", "--out", back, *MODEL, cwd=cwd).status == 0
    assert contents(s3, "back")["it.tif"] == (cwd / "plain.tif").read_bytes()


@pytest.mark.slow
def test_what_is_wrong_with_a_store_is_said_without_secrets(
    scans: Path, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cwd = scans.parent

    def complaint(source: object, out: object) -> str:
        outcome = run("restore", source, "--out", out, *MODEL, cwd=cwd)
        assert outcome.status in (1, 2)
        assert "not-to-be-printed" not in outcome.out + outcome.complaint
        assert "AKIATESTING" not in outcome.out + outcome.err
        return outcome.complaint

    assert "no such file, folder or bucket" in complaint("s3://missing/scans", "restored")
    assert "no such file, folder or bucket" in complaint(scans, "s3://missing/restored")
    assert "no such file, folder or bucket" in complaint("s3://archive/missing", "restored")
    assert "read only" in complaint(scans, "https://127.0.0.1:9/restored")

    import fsspec

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    fsspec.filesystem("s3").clear_instance_cache()
    assert "nobody answers" in complaint(scans, "s3://archive/restored")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    fsspec.filesystem("s3").clear_instance_cache()
    assert "no credentials were found" in complaint(scans, "s3://archive/restored")


def test_refused_credentials_are_said() -> None:
    from restorae.cluster.storage import _told

    with pytest.raises(BadImage, match="access was refused") as raised, _told("s3://a/b", BadImage):
        raise PermissionError("The key AKIATESTING is not allowed")
    assert "AKIATESTING" not in str(raised.value)


@pytest.mark.slow
def test_a_file_of_a_web_server_is_restored(scans: Path) -> None:
    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given, directory=str(scans))

        def log_message(self, *_: Any) -> None:
            pass

    cwd = scans.parent
    (scans / "scan 0.png").rename(scans / "scan.png")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        found = run("restore", f"{address}/scan.png", "--out", "web.png", *MODEL, cwd=cwd)
        missing = run("restore", f"{address}/missing.png", "--out", "no.png", *MODEL, cwd=cwd)
        server.shutdown()
    assert found.status == 0, found.err
    assert run("restore", scans / "scan.png", "--out", "plain.png", *MODEL, cwd=cwd).status == 0
    assert (cwd / "web.png").read_bytes() == (cwd / "plain.png").read_bytes()
    assert missing.status == 1
    assert "no such file" in missing.complaint


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_workers_of_this_machine_restore_from_store_to_store(scans: Path, s3: Any) -> None:
    upload(s3, scans, "scans")
    assert run("restore", scans, "--out", "plain", *MODEL, cwd=scans.parent).status == 0
    words = ["restore", "s3://archive/scans", "--out", "s3://archive/restored", *MODEL]
    outcome = run(*words, "--cluster", "auto", cwd=scans.parent)
    assert outcome.status == 0, outcome.err
    assert "6 of 6 restored" in outcome.err
    found = contents(s3, "restored")
    assert len(found.pop("restored.jsonl").splitlines()) == 6
    plain = scans.parent / "plain"
    assert found == {
        path.relative_to(plain).as_posix(): path.read_bytes() for path in plain.rglob("*.png")
    }
