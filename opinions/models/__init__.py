from opinions.models.memories import Memory, MemoryQuerySet
from opinions.models.runs import JOINT, PAYLOADS, Cause, OrchestrationRun, Stance

__all__ = ["JOINT", "PAYLOADS", "Cause", "Memory", "MemoryQuerySet", "OrchestrationRun", "Stance"]
