"""`python -m inference_worker`."""

import sys

from inference_worker.app import main

sys.exit(main())
