"""Files that deployment files name: where local ones are looked for, downloads from a server in this process, checksums."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import networks
import numpy as np
import pytest
from deployments import converter, deployment, graph, limited_files, line_of, nothing_written, sha256
from mace.deployment import files
from mace.deployment.load import Source, load_deployment
from mace.deployment.problems import DeploymentError
from mace.errors import IoError

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


class Server(http.server.ThreadingHTTPServer):
    """Answers with what the test says, one answer after another; the last one again and again."""

    answers: list[Answer]
    asked: int = 0

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        answer = server.answers[min(server.asked, len(server.answers) - 1)]
        server.asked += 1
        answer(self)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(files, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(files, "TIMEOUT_SECONDS", 0.5)
    with Server(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def data(content: bytes, promised: int | None = None) -> Answer:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) if promised is None else promised))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def failure(code: int) -> Answer:
    return lambda handler: handler.send_error(code)


def silence(handler: http.server.BaseHTTPRequestHandler) -> None:
    threading.Event().wait(1.0)


def redirect(target: str) -> Answer:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.end_headers()

    return answer


CONTENT = b"a model" * 1000


@pytest.fixture
def found(tmp_path: Path) -> files.Files:
    return files.Files(load_deployment(str(deployment(tmp_path))), str(tmp_path / "downloads"))


def source(url: str, content: bytes | None = CONTENT) -> Source:
    return Source(url, sha256(content) if content is not None else "", ("models", "net", "model_file_path"))


def test_a_download_is_kept_by_its_url(server: Server, found: files.Files, tmp_path: Path) -> None:
    server.answers = [data(CONTENT)]
    url = server.url("folder/net.onnx?version=1")
    got, path = found.read(source(url))
    assert got == CONTENT
    assert Path(path) == tmp_path / "downloads" / f"{hashlib.md5(url.encode()).hexdigest()}.onnx"
    assert found.read(source(url))[0] == CONTENT and server.asked == 1
    Path(path).write_bytes(b"damaged")
    assert found.read(source(url))[0] == CONTENT and server.asked == 2
    assert [each.name for each in (tmp_path / "downloads").iterdir()] == [Path(path).name]


@pytest.mark.parametrize("broken", [failure(503), failure(429), silence, data(CONTENT, len(CONTENT) + 1)])
def test_a_download_is_tried_three_times(broken: Answer, server: Server, found: files.Files, tmp_path: Path) -> None:
    server.answers = [broken, broken, data(CONTENT)]
    assert found.read(source(server.url("a.bin")))[0] == CONTENT and server.asked == 3
    server.answers, server.asked = [broken], 0
    with pytest.raises(DeploymentError, match=r"net\.yml:\d+: model_file_path: .*cannot be downloaded.*\(3 tries\); check the network"):
        found.read(source(server.url("b.bin")))
    assert server.asked == 3 and len(list((tmp_path / "downloads").iterdir())) == 1


def test_a_wrong_checksum_leaves_no_file(server: Server, found: files.Files, tmp_path: Path) -> None:
    server.answers = [data(b"another model")]
    with pytest.raises(DeploymentError, match=r"model_sha256_checksum: .*has the checksum .*; get the right file, or correct the checksum"):
        found.read(source(server.url("net.onnx")))
    assert server.asked == 1 and list((tmp_path / "downloads").iterdir()) == []


def test_a_full_disk_is_no_network_failure(server: Server, found: files.Files, tmp_path: Path) -> None:
    server.answers = [data(CONTENT * 500)]
    with limited_files(100_000), pytest.raises(IoError, match=r"downloads: File too large \(for http"):
        found.read(source(server.url("net.onnx")))
    assert server.asked == 1 and list((tmp_path / "downloads").iterdir()) == []


def test_errors_that_stay_are_not_tried_again(server: Server, found: files.Files) -> None:
    server.answers = [failure(404)]
    with pytest.raises(DeploymentError, match="HTTP 404"):
        found.read(source(server.url("gone")))
    assert server.asked == 1


def test_redirections_stay_on_the_web(server: Server, found: files.Files, tmp_path: Path) -> None:
    server.answers = [redirect(server.url("there")), data(CONTENT)]
    assert found.read(source(server.url("here")))[0] == CONTENT
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    server.answers = [redirect(f"file://{secret}")]
    with pytest.raises(DeploymentError, match="cannot be downloaded"):
        found.read(source(server.url("file")))


def test_urls_that_are_none(found: files.Files) -> None:
    for name in ("http://127.0.0.1:1/a b", "http://127.0.0.1:1/\x00", "http://127.0.0.1:port/", "http://127.0.0.1:1/\xe9"):
        with pytest.raises(DeploymentError, match="cannot be downloaded"):
            found.read(source(name))


@pytest.mark.parametrize("name", ["ftp://127.0.0.1/net.onnx", "file:///etc/passwd", "s3://bucket/net.onnx", "http://[bad"])
def test_other_schemes_are_refused(name: str, found: files.Files) -> None:
    with pytest.raises(DeploymentError, match="neither a path nor an http"):
        found.read(source(name))


def test_nobody_listens(found: files.Files, server: Server) -> None:
    url = server.url("x")
    server.server_close()
    with pytest.raises(DeploymentError, match="cannot be downloaded"):
        found.read(source(url.replace("127.0.0.1", "127.0.0.2")))


def test_endings_of_urls_are_tame() -> None:
    for path, ending in (("a.onnx", ".onnx"), ("a", ".bin"), ("a.b/c", ".bin"), ("a.%2e%2e%2fx", ".bin")):
        url = f"http://host/{path}"
        assert files.cache_path(url, "c") == f"c/{hashlib.md5(url.encode()).hexdigest()}{ending}"


def test_local_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: files.Files) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "only_here").write_bytes(b"here")
    (here / "net.onnx").write_bytes(b"of the current folder")
    read = lambda name: found.read(source(name, None))[0]  # noqa: E731
    assert read("only_here") == read(str(here / "only_here")) == b"here"
    assert read("net.onnx") == (tmp_path / "net.onnx").read_bytes()  # beside the deployment file
    with pytest.raises(DeploymentError, match=r"no such file: .*; correct the path"):
        read("nowhere")
    with pytest.raises(DeploymentError, match="not a regular file"):
        read(str(here))
    with pytest.raises(DeploymentError, match="is no file name"):
        read("a\0b")


def test_convert_downloads(server: Server, tmp_path: Path) -> None:
    content = networks.convolution_network().SerializeToString()
    array = networks.random(1, 1, 3, 16, 20)
    np.save(tmp_path / "x.npy", array)
    server.answers = [data(content), data((tmp_path / "x.npy").read_bytes())]
    path = deployment(tmp_path, model_file_path=server.url("net.onnx"), subgraphs=[graph(validation_inputs_data=[server.url("x.npy")])])
    (tmp_path / "net.onnx").unlink()
    converter("convert", "--config", path, cwd=tmp_path)
    converter("run", "--config", path, cwd=tmp_path)
    assert server.asked == 2 and len(list((tmp_path / "build/downloads").iterdir())) == 2
    assert np.array_equal(np.load(tmp_path / "build/lib/_tmp/net/inputs/in_0.npy"), array)


def test_what_is_wrong_with_files_ends_with_status_2(tmp_path: Path) -> None:
    for changes, key, text in (
        ({"model_file_path": "gone.onnx"}, "model_file_path", "no such file"),
        ({"model_sha256_checksum": "0" * 64}, "model_sha256_checksum", "has the checksum"),
        ({"model_file_path": "a\x1b[31m\nb"}, "model_file_path", "\\x1b[31m"),
    ):
        path = deployment(tmp_path, **changes)
        with nothing_written(tmp_path):
            found = converter("convert", f"--config={path}", cwd=tmp_path, status=2).problems()
        line = line_of(path, f"{key}:")
        assert len(found) == 1 and found[0].startswith(f"{path}:{line}: {key}: ") and text in found[0], found
