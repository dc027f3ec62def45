"""The built-in model: the world it is drawn from, the talk about it, the training, and the examination."""
