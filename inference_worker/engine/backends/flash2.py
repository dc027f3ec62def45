"""Attention over blocks with flash-attn 2.8 (the package `flash-attn`), on Ampere GPUs and later."""

from torch import Tensor

from inference_worker.engine.backends.paged import Pages, RaggedPages


class Flash2Kernel:
    """See `Kernel`. Imports the library when it is built.

    Raises:
        ImportError: it is not installed, was built for another torch, or is something else of that name: flash-attn 4
            alone installs into the same folder.
    """

    name = "flash-attn 2"
    library = "flash_attn"

    def __init__(self) -> None:
        from flash_attn import flash_attn_varlen_func, flash_attn_with_kvcache  # noqa: PLC0415 - an optional library

        self._with_kvcache, self._varlen = flash_attn_with_kvcache, flash_attn_varlen_func

    def decode(self, query: Tensor, keys: Tensor, values: Tensor, pages: Pages) -> Tensor:
        """(sequences, heads, head_dim); long sequences are split over the GPU's processors."""
        mixed: Tensor = self._with_kvcache(
            query[:, None],  # (sequences, 1, heads, head_dim)
            keys,
            values,
            cache_seqlens=pages.lengths,
            block_table=pages.block_table,
            causal=True,
        )
        return mixed[:, 0]

    def ragged(self, query: Tensor, keys: Tensor, values: Tensor, pages: RaggedPages) -> Tensor:
        """(tokens, heads, head_dim); causal from the lower right, so the last row sees every key."""
        mixed: Tensor = self._varlen(
            query,
            keys,
            values,
            cu_seqlens_q=pages.row_starts,
            cu_seqlens_k=pages.key_starts,
            max_seqlen_q=pages.most_rows,
            max_seqlen_k=pages.most_keys,
            causal=True,
            block_table=pages.block_table,
        )
        return mixed
