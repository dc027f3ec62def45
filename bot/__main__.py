"""`python -m bot`: the chat side alone."""

import sys

from bot.app import main

if __name__ == "__main__":
    sys.exit(main())
