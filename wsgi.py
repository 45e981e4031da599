"""The WSGI application: `flask --app wsgi …`, or `wsgi:app` for a production server."""

import signal
import threading

# Ctrl-C in the seconds of importing ends the process at once, without a traceback and as one that was interrupted; but
# only where nobody has a handler of their own, as a production server has.
interruptible = (
    threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler
)
if interruptible:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

# Importing is what takes long, so it comes after the line above.
from config import Config  # noqa: E402
from scheduler import create_app  # noqa: E402
from scheduler.serving import console, start_check  # noqa: E402

console.print_what_it_can()
app = create_app(Config())
start_check.say_under_a_server(app)
if interruptible:
    signal.signal(signal.SIGINT, signal.default_int_handler)
