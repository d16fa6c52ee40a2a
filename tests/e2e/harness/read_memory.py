"""Copies all writable memory of a running process to stdout.

usage: read_memory.py PID
Requires the right to trace the process: root, or the owner of the user namespace in which the process runs.
"""

import ctypes
import os
import sys


class Piece(ctypes.Structure):
    _fields_ = [("start", ctypes.c_void_p), ("length", ctypes.c_size_t)]


pid = int(sys.argv[1])
library = ctypes.CDLL(None, use_errno=True)
library.process_vm_readv.restype = ctypes.c_ssize_t
count = 0
with open(f"/proc/{pid}/maps") as maps:
    areas = [line.split()[:2] for line in maps]
for addresses, mode in areas:
    if mode.startswith("rw"):
        start, end = (int(address, 16) for address in addresses.split("-"))
        memory = ctypes.create_string_buffer(end - start)
        here = Piece(ctypes.addressof(memory), end - start)
        there = Piece(start, end - start)
        read = library.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
        # Some mappings of the kernel cannot be read.
        if read > 0:
            count += read
            sys.stdout.buffer.write(memory.raw[:read])
if count == 0:
    sys.exit(f"nothing can be read: {os.strerror(ctypes.get_errno())}")
