"""``python -m groupfeat`` says where the command is: this package imports no other of ours."""

import sys

if __name__ == "__main__":
    sys.stderr.write(
        "groupfeat: error: this package is no program; the command is groupfeat, or "
        "python -m analyzers, with the same words\n"
    )
    sys.exit(2)
