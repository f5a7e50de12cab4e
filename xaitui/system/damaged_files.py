"""Errors that reading damaged files raises; libraries document only a part of them."""

import csv
import pickle
import struct
import tokenize
import zipfile
import zlib

BAD_RECORD = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""Raised for JSON or TOML that is cut off, or holds other values than expected."""
RECORD_DAMAGE = (OSError, *BAD_RECORD, csv.Error)
"""Raised on reading a small text file (JSON, TOML, CSV) that is missing or damaged."""

BAD_CONTENT = (
    *(ValueError, LookupError, TypeError, AttributeError, SyntaxError, RuntimeError, OverflowError, EOFError),
    *(struct.error, tokenize.TokenError, zlib.error, zipfile.BadZipFile),
)
"""Raised by NumPy, zipfile, gzip and Pillow for bytes that are damaged or of another format."""
FILE_DAMAGE = (OSError, MemoryError, *BAD_CONTENT)
"""Raised on reading a binary file (.npz, .npy, idx, images) that is missing or damaged; a damaged header may demand
any amount of memory."""
TORCH_DAMAGE = (OSError, *BAD_CONTENT, AssertionError, ArithmeticError, pickle.UnpicklingError)
"""Raised by `torch.load` for a file that is missing or damaged."""
