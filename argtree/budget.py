"""What a propagation may cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """Limits of one propagation; past what can be done exactly within them, sampling takes over."""

    seconds: float = 60.0  # of wall clock, all in all; > 0
    memory_bytes: int = 2 * 2**30  # held at once by tables, diagrams and samples; > 0
    precision: float = 0.002  # standard error of every root's probability at which sampling stops; > 0

    def __post_init__(self) -> None:
        for name in ("seconds", "memory_bytes", "precision"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be above 0")
