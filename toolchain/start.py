"""What the scripts of a checkout start with ``python -S``: `mobileops.cli.entry`, and Ctrl-C is taken care of earlier.

The module ``site`` is imported here and not by Python itself: that takes longer than everything before it, and ends in
a traceback when it is interrupted.
"""

from _signal import SIG_DFL, SIG_IGN, SIGINT, getsignal, signal

if getsignal(SIGINT) != SIG_IGN:
    signal(SIGINT, SIG_DFL)

import site
import sys

site.main()

from mobileops.cli.entry import main  # noqa: E402  site has made it known

sys.exit(main())
