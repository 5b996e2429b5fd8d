"""Event scheduler: what is to happen later, happens then, once.

    CREATE | ADJUST | CANCEL asked -> on disk -> reply        LIST | PREVIEW | LIST_RUNS -> reply
    its time comes, or STATE becomes so -> begun on disk -> CONTROL, or ANNOUNCE -> RUN said
    "stop" (CANCEL, TURN_ENDED heard) -> the ringing ends

What is begun is on disk before it is done, under an id that the same moment always has: whoever
comes after a crash goes on with it, and device_control carries an id out once. What was due while
the house was off is caught up or not as each schedule says; LIST_RUNS tells what was missed.
"""

from alicia.services.supporting.event_scheduler.keeping import EventScheduler
from alicia.services.supporting.event_scheduler.performing import SchedulerSettings

__all__ = ["EventScheduler", "SchedulerSettings"]
