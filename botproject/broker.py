"""Kombu's filesystem transport, with every file written as a whole.

Kombu writes messages and exchange tables in place, so that a reader can meet an empty or half-written one; its worker
then ends with a JSONDecodeError (kombu issue 1551), and a table that a killed process left half-written stays broken.
Here each file is written beside its place and renamed into it.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.transport import filesystem
from kombu.transport.filesystem import exchange_queue_t
from kombu.utils.json import dumps, loads


class Channel(filesystem.Channel):
    """A channel whose files are always whole."""

    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:
        name = f"{round(monotonic() * 1_000)}_{uuid.uuid4()}.{queue}.msg"
        _write_whole(Path(self.data_folder_out) / name, dumps(payload))

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        self.control_folder.mkdir(exist_ok=True)
        bound = exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with _locked(self.control_folder / "tables.lock"):
            table = self.get_table(exchange)
            if bound not in table:
                _write_whole(self._exchange_file(exchange), dumps([bound, *table]))

    def get_table(self, exchange: str) -> list[Any]:
        """Return the exchange's bindings; none where it has no file yet."""
        try:
            return [exchange_queue_t(*bound) for bound in loads(self._exchange_file(exchange).read_text())]
        except FileNotFoundError:
            return []


class Transport(filesystem.Transport):
    """`filesystem://`, for one machine and for trying things out."""

    Channel = Channel


def _write_whole(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.{uuid.uuid4()}.part")
    beside.write_text(text)
    os.replace(beside, path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
