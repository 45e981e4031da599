"""What `make run` ends in: `flask --app wsgi serve`. Ctrl-C in the seconds of importing, before there is a server that
finishes its requests, ends it at once and without a traceback."""

import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)

if __name__ == "__main__":
    from flask.cli import main

    sys.argv = ["flask", "--app", "wsgi", "serve"]
    main()
