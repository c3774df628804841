"""A small Slack Web API on this machine, which keeps what was posted to it."""

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from botproject.demo.slack_methods import Refused, SlackMessages

PATH = "/api/"
MAX_BODY_BYTES = 1_000_000
#: How long a client may take to say what it wants.
TIMEOUT_S = 10
#: Arguments that a form carries as JSON text.
JSON_ARGUMENTS = ("blocks", "attachments", "metadata")


@dataclass(frozen=True)
class Call:
    """One call as it came, and the answer that it got. `at` is in seconds of time.monotonic()."""

    method: str
    arguments: dict[str, Any]
    at: float
    status: int
    answer: dict[str, Any]

    @property
    def ok(self) -> bool:
        """True if the API did what it was asked."""
        return bool(self.answer["ok"])

    @property
    def ts(self) -> str:
        """The name of the message that was posted or updated; "" where there is none."""
        return str(self.answer.get("ts", ""))


@dataclass(frozen=True)
class Fault:
    """An answer in place of the real one: Slack's word for the error, the HTTP status, and Retry-After."""

    error: str
    status: int = 200
    retry_after_s: int | None = None


RATE_LIMITED = Fault("ratelimited", status=429, retry_after_s=1)


@dataclass
class _Faults:
    fault: Fault
    times: int
    method: str | None


class SlackWebApi:
    """Answers chat.postMessage, chat.postEphemeral, chat.update and auth.test on a free port of 127.0.0.1.

    It answers from when it is made until `close`, or for the length of a with block. Only `token` is let in. `calls`
    is everything that was asked, in order, refusals too. Safe to use from any thread.
    """

    def __init__(self, token: str, *, team: str = "T0LOCAL", app: str = "A0LOCAL", bot_user: str = "U0LOCAL") -> None:
        self._token = token
        self._messages = SlackMessages(team, app, bot_user)
        self._faults: list[_Faults] = []
        self._calls: list[Call] = []
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}{PATH}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="slack-api", daemon=True)
        self._thread.start()

    def __enter__(self) -> "SlackWebApi":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def calls(self) -> list[Call]:
        """Every call so far."""
        with self._lock:
            return list(self._calls)

    def done(self, method: str, **arguments: Any) -> list[Call]:
        """Return the calls of `method` with these arguments, among others, that were not refused."""
        asked = [call for call in self.calls if call.ok and call.method == method]
        return [call for call in asked if all(call.arguments.get(name) == arguments[name] for name in arguments)]

    def fail_next(self, fault: Fault = RATE_LIMITED, times: int = 1, method: str | None = None) -> None:
        """Answer the next `times` calls of `method` (None: of any) with `fault`, and do nothing of what they ask."""
        with self._lock:
            self._faults.append(_Faults(fault, times, method))

    def handle(self, method: str, arguments: dict[str, Any], token: str) -> tuple[Call, int | None]:
        """Do what is asked, or refuse; record it. Returns the call, and Retry-After where it was told to say so."""
        at = time.monotonic()
        with self._lock:
            fault = self._take_fault(method)
            if fault is None:
                status, retry_after_s, answer = 200, None, self._answer(method, arguments, token)
            else:
                status, retry_after_s, answer = fault.status, fault.retry_after_s, _refusal(fault.error)
            call = Call(method, arguments, at, status, answer)
            self._calls.append(call)
        return call, retry_after_s

    def _take_fault(self, method: str) -> Fault | None:
        for faults in self._faults:
            if faults.times > 0 and faults.method in (None, method):
                faults.times -= 1
                return faults.fault
        return None

    def _answer(self, method: str, arguments: dict[str, Any], token: str) -> dict[str, Any]:
        if token != self._token:
            return _refusal("invalid_auth" if token else "not_authed")
        try:
            return {"ok": True, **self._messages.call(method, arguments)}
        except Refused as error:
            return _refusal(str(error))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: SlackWebApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that are killed in the middle of a call are part of the play."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = TIMEOUT_S

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        path = urlsplit(self.path).path
        if not path.startswith(PATH):
            self.send_error(404)
            return
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.send_error(413)
            return
        body = self.rfile.read(int(length))
        try:
            arguments = _parse(self.headers.get_content_type(), body, urlsplit(self.path).query)
        except ValueError:
            self._send(200, _refusal("invalid_arguments"))
            return
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        call, retry_after_s = self.server.api.handle(path.removeprefix(PATH), arguments, token)
        self._send(call.status, call.answer, retry_after_s)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what was asked is in `calls`."""

    def _send(self, status: int, answer: dict[str, Any], retry_after_s: int | None = None) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if retry_after_s is not None:
            self.send_header("Retry-After", str(retry_after_s))
        self.end_headers()
        self.wfile.write(body)


def _parse(content_type: str, body: bytes, query: str) -> dict[str, Any]:
    """Return a call's arguments: a JSON object, or a form whose nested ones are JSON text. Raises ValueError."""
    if content_type == "application/json":
        arguments = json.loads(body or b"{}")
        if not isinstance(arguments, dict):
            raise ValueError("the arguments are not an object")
        return arguments
    form: dict[str, Any] = dict(parse_qsl(query) + parse_qsl(body.decode("utf-8")))
    return form | {name: json.loads(form[name]) for name in JSON_ARGUMENTS if name in form}


def _refusal(error: str) -> dict[str, Any]:
    return {"ok": False, "error": error}
