"""Another PC/SC program that uses a token: it executes one order for each line on stdin, and answers `ok`.

usage: another_program.py READER
READER is a part of the reader's name. Orders: shared, exclusive, begin, end, reset, leave.
"""

import sys

from smartcard.scard import (
    SCARD_LEAVE_CARD,
    SCARD_PROTOCOL_T0,
    SCARD_PROTOCOL_T1,
    SCARD_RESET_CARD,
    SCARD_SCOPE_USER,
    SCARD_SHARE_EXCLUSIVE,
    SCARD_SHARE_SHARED,
    SCardBeginTransaction,
    SCardConnect,
    SCardDisconnect,
    SCardEndTransaction,
    SCardEstablishContext,
    SCardGetErrorMessage,
    SCardListReaders,
    SCardReconnect,
)

ANY = SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1
context = SCardEstablishContext(SCARD_SCOPE_USER)[1]
reader = next(name for name in SCardListReaders(context, [])[1] if sys.argv[1] in name)
card = None
for line in sys.stdin:
    match line.strip():
        case "shared":
            result, card, _ = SCardConnect(context, reader, SCARD_SHARE_SHARED, ANY)
        case "exclusive":
            result, card, _ = SCardConnect(context, reader, SCARD_SHARE_EXCLUSIVE, ANY)
        case "begin":
            result = SCardBeginTransaction(card)
        case "end":
            result = SCardEndTransaction(card, SCARD_LEAVE_CARD)
        case "reset":
            result = SCardReconnect(card, SCARD_SHARE_SHARED, ANY, SCARD_RESET_CARD)[0]
        case "leave":
            result = SCardDisconnect(card, SCARD_LEAVE_CARD)
        case other:
            sys.exit(f"no such order: {other}")
    print("ok" if result == 0 else SCardGetErrorMessage(result), flush=True)
