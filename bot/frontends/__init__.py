"""The platforms that can be asked through: one package each, none knows another."""
