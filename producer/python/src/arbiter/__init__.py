"""Records what AI agents do, for the Arbiter performance tracker.

    import arbiter

    with arbiter.task(task_id="task-1", agent_id="agent-7") as run:
        answer = work()
        run.set(quality_score=0.9, tokens_consumed=answer.tokens)

The functions of this module record through one producer that all of the process shares, as those of `logging` do; `configure` says where it
records, `arbiter.Producer(...)` makes another. They return a Result, which is true if the event is recorded, and never raise, unless the
producer is strict: not for want of the library or of a collector, and not for what is wrong with an event."""

from arbiter import _default, events
from arbiter._default import *
from arbiter._producer import Account, Producer
from arbiter._recorder import IMPLEMENTATION
from arbiter._result import ArbiterError, LibraryError, RefusedError, Result, Status
from arbiter._run import Run, current_run
from arbiter.events import *

__version__ = "0.1.0"
__all__ = ["IMPLEMENTATION", "Account", "ArbiterError", "LibraryError", "Producer", "RefusedError", "Result", "Run", "Status", "current_run"]
__all__ += _default.__all__
__all__ += events.__all__
