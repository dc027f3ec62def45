"""From a picture to crops: geometry, and the pixels that the tower sees."""
