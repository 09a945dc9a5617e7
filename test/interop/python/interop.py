"""What the Python clients share: the records, the contract with the runner, and ways to wait.

A client is an object with the methods that scenarios.py calls. All of them are coroutines; a client that blocks runs
its calls in threads, so that the members of a group and the features go on beside each other.
"""

import asyncio
import itertools
import os
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Optional

AT_A_TIME = 5  # features that run beside each other
FEATURE_SECONDS = 50
WAIT_SECONDS = 30


class Record(NamedTuple):
    """A record as it is sent, and as it is read back."""

    value: Optional[bytes]
    key: Optional[bytes] = None
    headers: tuple = ()
    timestamp: Optional[int] = None
    partition: int = 0
    offset: int = -1


class NoSuchFeature(Exception):
    """The client's library has no such thing; the text says what is missing."""


def same(what, got, want):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


async def until(what, condition, seconds=WAIT_SECONDS):
    """Waits until the condition, a coroutine function, is true."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        await asyncio.sleep(0.05)


_started = f"{int(time.time())}-{os.getpid()}"
_numbers = itertools.count()


def unique(client, what):
    """A name that no other client and no other run uses."""
    return f"{client.folder}-{what}-{_started}-{next(_numbers)}"


async def _one(client, feature, scenario, turn):
    async with turn:
        try:
            await asyncio.wait_for(scenario(client), FEATURE_SECONDS)
            return feature, "ok", ""
        except NoSuchFeature as e:
            return feature, "none", str(e)
        except Exception as e:  # whatever it is, the next feature has its turn
            print(f"{feature}:", file=sys.stderr)
            traceback.print_exc()
            return feature, "failed", f"{type(e).__name__}: {e}"


async def _all(client, features):
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(64))
    turn = asyncio.Semaphore(AT_A_TIME)
    await client.start()
    print("CLIENT", client.name, sep="\t")
    runs = [asyncio.create_task(_one(client, f, s, turn)) for f, s in features]
    good = True
    for run in runs:
        feature, status, note = await run
        good = good and status != "failed"
        print("RESULT", feature, status, " ".join(note.split()), sep="\t", flush=True)
    await client.close()
    return good


def main(make_client, features):
    """Runs the features, or those named behind the address on the command line; the process ends here."""
    address, *named = sys.argv[1:]
    chosen = [(f, s) for f, s in features if not named or f in named]
    good = asyncio.run(_all(make_client(address), chosen))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if good else 1)  # a thread that hangs in a client must not hold up the end
