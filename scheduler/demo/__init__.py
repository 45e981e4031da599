"""The demo clinic: invented people, plausible weeks, the same for a given day."""

from scheduler.demo.seed import NotEmpty, is_empty, seed

__all__ = ["NotEmpty", "is_empty", "seed"]
