"""The code that trains models lies in the checkout alone; the installed package comes first."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
