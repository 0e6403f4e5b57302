"""What does the tasks of a job: Dask's workers, or processes of this machine. Both run the same function."""

import concurrent.futures
import logging
import multiprocessing
import os
import sys
import threading
import time

from store import Unreachable
from tasks import code, run_task

log = logging.getLogger("batch")


class Gone(Exception):
    """Dask's scheduler does not answer, or has no workers."""


class Processes:
    """Processes of this machine. One that is killed takes its task with it, which is done again."""

    name = "processes"

    def __init__(self, workers):
        self.workers = workers

    def run(self, url, job, run, tasks, done):
        # Not forked: a copy of a process with threads may wait for ever for a lock that a thread had held.
        context = multiprocessing.get_context("spawn")
        waiting, deaths = {task["name"]: task for task in tasks}, 0
        while waiting:
            try:
                with concurrent.futures.ProcessPoolExecutor(
                        min(self.workers, len(waiting)), context, initializer=end_with_parent) as pool:
                    futures = {pool.submit(run_task, url, job, run, code(), task): task["name"]
                               for task in waiting.values()}
                    try:
                        for future in concurrent.futures.as_completed(futures):
                            done(futures[future], future.result())
                            del waiting[futures[future]]
                    except BaseException:
                        for each in futures:
                            each.cancel()
                        for process in multiprocessing.active_children():
                            process.kill()
                        raise
            except concurrent.futures.process.BrokenProcessPool:
                deaths += 1
                log.warning("a process was killed; its task is done again (%d of 10)", deaths)
                if deaths == 10:
                    raise Unreachable("processes of the pool were killed ten times: is there enough memory?") from None


class Dask:
    """A Dask cluster. The client, the scheduler or workers may be lost: what is not finished is submitted again, under
    the same key. `patience`: seconds to wait for a scheduler, and for workers."""

    name = "dask"

    def __init__(self, address, patience=60):
        self.address, self.patience = address, patience

    def run(self, url, job, run, tasks, done):
        waiting = {task["name"]: task for task in tasks}
        lost_at = None
        while waiting:
            client = None
            try:
                client = self._connect()
                self._round(client, url, job, run, waiting, done)
                return
            except Gone as gone:
                lost_at = lost_at or time.monotonic()
                if time.monotonic() - lost_at > self.patience:
                    raise
                log.warning("%s; connecting again", gone)
                time.sleep(1)
            finally:
                if client:
                    close(client)

    def _connect(self):
        from distributed import Client
        try:
            client = Client(self.address, timeout=min(10, self.patience), set_as_default=False, name="batch")
            until = time.monotonic() + self.patience
            while not client.nthreads():
                if time.monotonic() > until:
                    close(client)
                    raise Gone(f"the scheduler at {self.address} has no workers")
                time.sleep(0.5)
            return client
        except (OSError, TimeoutError) as error:
            raise Gone(f"the scheduler at {self.address} does not answer: {error}") from None

    def _round(self, client, url, job, run, waiting, done):
        from distributed.scheduler import KilledWorker
        futures, deaths, looked = {}, {}, time.monotonic()
        for name, task in waiting.items():
            futures[name] = self._submit(client, url, job, run, task)
        while waiting:
            moved = False
            for name in list(waiting):
                future = futures[name]
                if future.status == "finished":
                    parts = self._result(future)
                    done(name, parts)
                    del waiting[name], futures[name]
                    moved = True
                elif future.status == "error":
                    error = future.exception(timeout=30)
                    if not isinstance(error, KilledWorker):
                        raise error
                    deaths[name] = deaths.get(name, 0) + 1
                    if deaths[name] == 3:
                        raise Unreachable(f"workers that do task {name} are killed: is there enough memory? {error}")
                    future.release()
                    futures[name] = self._submit(client, url, job, run, waiting[name])
                elif future.status in ("cancelled", "lost"):
                    raise Gone(f"the scheduler at {self.address} has lost the job's tasks")
            if moved or time.monotonic() - looked > 5:
                looked = self._look(client, looked, moved)
            if not moved:
                time.sleep(0.05)

    def _submit(self, client, url, job, run, task):
        # A deterministic key: a client that submits again is given the task that runs already.
        return client.submit(run_task, url, job, run, code(), task, key=f"{run}-{task['name']}-{code()[:8]}", retries=2,
                             pure=False)

    def _result(self, future):
        try:
            return future.result(timeout=30)
        except (concurrent.futures.CancelledError, OSError, TimeoutError) as error:
            raise Gone(f"the scheduler at {self.address} was lost: {error}") from None

    def _look(self, client, looked, moved):
        if client.status != "running":
            raise Gone(f"the scheduler at {self.address} was lost")
        if moved:
            return time.monotonic()
        try:
            if client.nthreads():
                return time.monotonic()
        except (OSError, TimeoutError, RuntimeError, AttributeError) as error:
            raise Gone(f"the scheduler at {self.address} was lost: {error}") from None
        if time.monotonic() - looked > self.patience:
            raise Gone(f"the scheduler at {self.address} has no workers")
        return looked


def end_with_parent():
    """Ends this process when the one that has started it is gone: a killed runner leaves nothing behind."""
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()


def close(client):
    try:
        client.close(timeout=5)
    except Exception as error:  # A lost scheduler: there is nothing left to be told.
        log.debug("closing the client: %s", error)


def chosen(enabled, address, workers, patience):
    """The engines to try, in order."""
    pool = Processes(workers or os.cpu_count() or 1)
    return [Dask(address, patience), pool] if enabled and address else [pool]


logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
