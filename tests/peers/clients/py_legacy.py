"""The Python SDK 2 held to sessions and the initialize handshake."""

import py2
import walk

if __name__ == "__main__":
    walk.run(lambda: py2.take("py_legacy", "legacy"))
