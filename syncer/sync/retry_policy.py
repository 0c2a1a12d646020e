"""What becomes of an attempt to bring one key in step: errors become policy, here and nowhere else.

What was refused or went wrong is told to the tenant (kube/recorder.py), said in the log, and
counted.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import structlog

from syncer.errors import (
    AdmissionDenied,
    ApiError,
    BadRequest,
    Conflict,
    DeletionHeld,
    Forbidden,
    NotFound,
    NotYet,
    Refused,
    Terminating,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from syncer.kube.api_answers import is_webhook_failure, missing_right
from syncer.kube.durations import Work
from syncer.kube.objects import Key
from syncer.kube.recorder import Recorder
from syncer.kube.workqueue import Queue
from syncer.state.cluster import World
from syncer.sync.remark import Remark

log = structlog.get_logger()
SAFETY_NET = 30.0  # an arrival that was missed costs at most this many seconds
OUTAGE_PAUSE = 2.0
ENDING_PAUSE = 10.0  # what is in a namespace that ends is queued by its own end
REFUSED_AGAIN = 60.0  # a refusal may be lifted by the operator's values or the host's admission
Reconcile = Callable[[Key], Awaitable[Remark | None]]


class Outcome(NamedTuple):
    """What came of one attempt: the result's name in metrics and, of a refusal, its reason."""

    result: str
    reason: str = ""
    said: str = ""
    """What was wrong: said in the log when it is not what was wrong before."""


DONE = Outcome("done")
RESULTS = {
    "done": "both sides are in sync",
    "waiting": "something that the object needs is not there yet, or its namespace is ending",
    "held": "the brake holds the deletion on the host until the operator confirms it",
    "refused": "the translation does not let it reach the host",
    "changed": "somebody else wrote first: it is looked at again",
    "throttled": "an API server asked for a pause",
    "rejected": "an API server does not accept it",
    "failed": "an API server did not answer, or failed",
    "bug": "the syncer is wrong: its log has a stack trace",
}
"""What an attempt may come to."""


class Attempts:
    """Carries attempts out for the controller's workers, and remembers what they came to."""

    def __init__(
        self, world: World, queue: Queue, recorder: Recorder, kinds: Iterable[str]
    ) -> None:
        self.world = world
        self.queue = queue
        self.recorder = recorder
        self.work = {kind: Work() for kind in kinds}
        self.refusals: Counter[tuple[str, str]] = Counter()
        """By kind and reason; what is refused is tried again, and counted again."""
        self.unsynced: dict[Key, Outcome] = {}
        """What the last attempt came to, of the keys that are not in step."""
        self.remarks: dict[Key, str] = {}
        """The reasons of what tenants were told about keys that are in step."""

    async def attempt(self, key: Key, reconcile: Reconcile) -> None:
        """Reconcile one key; only what must end the syncer is raised."""
        begun = time.monotonic()
        outcome = await self._outcome(key, reconcile)
        work = self.work[key.kind]
        work.took.observe(time.monotonic() - begun)
        work.results[outcome.result] += 1
        if outcome is DONE:
            work.lag.observe(self.queue.succeeded(key))
            if self.unsynced:
                self.unsynced.pop(key, None)
            return
        if outcome.reason:
            self.refusals[key.kind, outcome.reason] += 1
        self.unsynced[key] = outcome

    async def _outcome(self, key: Key, reconcile: Reconcile) -> Outcome:
        where = {"kind": key.kind, "virt_namespace": key.namespace, "virt_name": key.name}
        try:
            remark = await reconcile(key)
        except NotYet as missing:
            log.debug("waiting", **where, waits_for=str(missing))
            self.queue.add_after(key, SAFETY_NET)
            return Outcome("waiting")
        except DeletionHeld as held:
            outcome = Outcome("held", said=str(held))
            self._say(log.info, "deletion held", key, outcome)
            return outcome  # whoever lets it go queues the key
        except Refused as refused:
            outcome = Outcome("refused", refused.reason, refused.message)
            self._say(log.info, "refused", key, outcome, reason=refused.reason)
            await self._tell(key, refused.reason, refused.message)
            self.queue.failed(key, at_least=REFUSED_AGAIN)
            return outcome
        except (Conflict, NotFound):
            self.queue.failed(key)
            return Outcome("changed")
        except TooManyRequests as error:
            self.queue.failed(key, at_least=error.retry_after)
            return Outcome("throttled")
        except Terminating as error:
            outcome = Outcome("waiting", said=str(error))
            self._say(log.info, "namespace ends", key, outcome, side=error.side)
            self.queue.failed(key, at_least=ENDING_PAUSE)
            return outcome
        except (BadRequest, Forbidden) as error:
            self.queue.failed(key, at_least=max(1.0, error.retry_after))
            told = self._wording(key, error)
            outcome = Outcome("rejected", told[0] if told else "", str(error))
            self._say(log.warning, "not accepted", key, outcome, side=error.side, error=str(error))
            if told:
                await self._tell(key, *told)
            return outcome
        except Unauthorized as error:
            if error.side == "virt":
                raise  # k3s has other credentials now: start over with them
            self.queue.failed(key, at_least=1.0)
            return Outcome("rejected")
        except (ApiError, Unreachable) as error:
            # Not the object's fault: it must not wait long when the server is back.
            self.queue.failed(key, at_least=0.2, at_most=OUTAGE_PAUSE)
            told = None
            if isinstance(error, ApiError) and is_webhook_failure(error):
                told = self._wording(key, error)
            outcome = Outcome("failed", told[0] if told else "", str(error))
            self._say(log.warning, "failed", key, outcome, error=str(error))
            if told:
                await self._tell(key, *told)
            return outcome
        except Exception:
            # A bug must cost the one object that meets it, not the others.
            log.exception("bug", **where)
            self.queue.failed(key, at_least=5.0)
            return Outcome("bug")
        await self._pass_on(key, remark)
        return DONE

    async def _pass_on(self, key: Key, remark: Remark | None) -> None:
        """Tell the tenant; once more when API servers have forgotten the event, if it stands."""
        if remark is None:
            self.remarks.pop(key, None)
            return
        if self.remarks.get(key) != remark.reason:
            where = {"kind": key.kind, "virt_namespace": key.namespace, "virt_name": key.name}
            log.info("done with a remark", **where, reason=remark.reason)
        self.remarks[key] = remark.reason
        self.queue.add_after(key, await self.recorder.warn(*remark))

    def _say(
        self, log_it: Callable[..., object], event: str, key: Key, outcome: Outcome, **more: object
    ) -> None:
        """Log what is wrong with a key once: until it is well, or something else is wrong.

        That it is still so is what the metrics tell, and the next attempt is always under way.
        """
        if self.unsynced.get(key) != outcome:
            log_it(event, kind=key.kind, virt_namespace=key.namespace, virt_name=key.name, **more)

    def _wording(self, key: Key, error: ApiError) -> tuple[str, str] | None:
        """Return reason and text of the event for the tenant; None when there is none.

        Nothing of the host's names is in it. What the virtual API server itself refuses is a fault
        of ours, and in the log; what admission inside refuses is the tenant's own doing.
        """
        if error.side != "host":
            if isinstance(error, AdmissionDenied) or is_webhook_failure(error):
                text = f"admission inside the virtual cluster stops the syncer: {error.message}"
                return "AdmissionInside", text
            return None
        lacking = missing_right(error)
        if lacking:
            text = f"the host does not let the syncer {' '.join(lacking)}: ask its operator"
            return "MissingRight", text
        reason = "HostForbids" if isinstance(error, Forbidden) else "HostRefused"
        text = error.message
        if key.kind in self.world.virt:
            text = text.replace(self.world.host_name(key), key.name)
        return reason, text

    async def _tell(self, key: Key, reason: str, message: str) -> None:
        if key.kind in self.world.virt:
            virt_obj = self.world.virt_object(key)
            if virt_obj is not None:
                await self.recorder.warn(virt_obj, reason, message)
