"""The Python SDK 2 as it comes: it asks the server which generation it speaks."""

import py2
import walk

if __name__ == "__main__":
    walk.run(lambda: py2.take("py_modern", "auto"))
