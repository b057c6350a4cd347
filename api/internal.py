"""An internal failure: logged in full, answered in one sentence."""

import logging

from api.reasons import QuestionReason
from api.store import StoreFault
from seamark.wire.failures import Rejected

logger = logging.getLogger(__name__)


def internal(error: BaseException, path: str) -> Rejected[QuestionReason]:
    """Log the error of a call to `path`; what is answered instead."""
    kind = "store refused our SQL" if isinstance(error, StoreFault) else "handler failed"
    logger.error(kind, extra={"path": path}, exc_info=error)
    return Rejected(QuestionReason.INTERNAL, "This failed for a reason of ours; it was logged.")
