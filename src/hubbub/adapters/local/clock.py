"""The machine's clock."""

import time


class SystemClock:
    """`Clock`. Wall time in Unix ms, and seconds that never go back."""

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return time.time_ns() // 1_000_000

    monotonic = staticmethod(time.monotonic)
    """Seconds that never go back."""
