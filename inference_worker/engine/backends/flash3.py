"""Attention over blocks with flash-attn 3 (the module `flash_attn_interface`), on Hopper GPUs."""

from torch import Tensor

from inference_worker.engine.backends.paged import Pages, RaggedPages


class Flash3Kernel:
    """See `Kernel`. Imports the library when it is built.

    Raises:
        ImportError: it is not installed, or was built for another torch.
    """

    name = "flash-attn 3"
    library = "flash_attn_interface"

    def __init__(self) -> None:
        from flash_attn_interface import flash_attn_with_kvcache  # noqa: PLC0415 - an optional library

        self._with_kvcache = flash_attn_with_kvcache

    def decode(self, query: Tensor, keys: Tensor, values: Tensor, pages: Pages) -> Tensor:
        """(sequences, heads, head_dim); long sequences are split over the GPU's processors."""
        mixed: Tensor = self._with_kvcache(
            query[:, None],  # (sequences, 1, heads, head_dim)
            keys,
            values,
            cache_seqlens=pages.lengths,
            page_table=pages.block_table,
            causal=True,
        )
        return mixed[:, 0]

    def ragged(self, query: Tensor, keys: Tensor, values: Tensor, pages: RaggedPages) -> Tensor:
        """(tokens, heads, head_dim); causal from the lower right, so the last row sees every key."""
        mixed: Tensor = self._with_kvcache(
            query,
            keys,
            values,
            cache_seqlens=pages.lengths,
            page_table=pages.block_table,
            cu_seqlens_q=pages.row_starts,
            max_seqlen_q=pages.most_rows,
            causal=True,
        )
        return mixed
