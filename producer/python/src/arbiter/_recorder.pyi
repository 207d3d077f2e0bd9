from arbiter import _signatures

IMPLEMENTATION: str

class Recorder(_signatures.Recorder):
    def _bind(self, handle: int | None, address: int, patient: bool) -> None: ...
