from collections.abc import Callable

from arbiter import _signatures

IMPLEMENTATION: str

class Recorder(_signatures.Recorder):
    _handle: int | None
    def _bind(self, handle: int | None, functions: tuple[Callable[..., int], ...], patient: bool) -> None: ...
