"""The model: phi3_v (Phi-3-vision, Phi-3.5-vision, and the built-in tiny one), its tokeniser and its weights."""
