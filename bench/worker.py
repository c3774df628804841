"""A second process with the store in it: `python -m bench.worker RUN STORE CALLERS`, commands as JSON lines."""

import json
import os
import sys

from bench.databases import configure


def main() -> None:
    """Answer every line."""
    run, name, callers = sys.argv[1], sys.argv[2], int(sys.argv[3])
    configure(run)
    from bench.contestants import InProcess  # noqa: PLC0415
    from bench.stores import close_connection, make_store  # noqa: PLC0415

    # Keys of its own.
    store = make_store(name, "ours", namespace=f"bench-worker-{os.getpid()}")
    contestant = InProcess(store, callers, lambda: close_connection(name, "ours"))
    _answer([])
    for line in sys.stdin:
        command = json.loads(line)
        times: list[float] = []
        if command["do"] == "prepare":
            contestant.prepare(command["operation"], command["callers"], command["calls"])
        elif command["do"] == "run":
            times = contestant.run()
        else:
            contestant.finish()
        _answer(times)
    contestant.close()


def _answer(times: list[float]) -> None:
    print(json.dumps({"times": times}), flush=True)


if __name__ == "__main__":
    main()
