"""The engine: continuous batching over conversations whose caches stay resident. Knows no jobs and no Redis."""
