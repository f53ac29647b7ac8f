"""Run pywb over the collections in the current folder: python replay_pywb.py PORT.

pywb's proxy mode needs an older pyOpenSSL than the rest of the environment; replay does not use it.
"""

import sys
import types

_PROXY = types.ModuleType("wsgiprox.wsgiprox")
_PROXY.WSGIProxMiddleware = object
sys.modules |= {"wsgiprox": types.ModuleType("wsgiprox"), "wsgiprox.wsgiprox": _PROXY}

from pywb.apps.cli import wayback  # noqa: E402

if __name__ == "__main__":
    wayback(["--bind", "127.0.0.1", "--port", sys.argv[1]])
