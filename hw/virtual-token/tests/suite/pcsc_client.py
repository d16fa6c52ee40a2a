"""PC/SC client that executes one call for each line of its input, and prints a result, or `! ` and PC/SC's error code."""
import sys
from smartcard import scard as s

ANY = s.SCARD_PROTOCOL_T0 | s.SCARD_PROTOCOL_T1
card = protocol = None


def check(code):
    if code:
        raise OSError(f"{code & 0xffffffff:08X}")


def readers():
    code, names = s.SCardListReaders(context, [])
    check(code)
    return "|".join(names)


def state(reader):
    code, states = s.SCardGetStatusChange(context, 0, [(reader, s.SCARD_STATE_UNAWARE)])
    check(code)
    return "present" if states[0][1] & s.SCARD_STATE_PRESENT else "empty"


def connect(reader):
    global card, protocol
    code, card, protocol = s.SCardConnect(context, reader, s.SCARD_SHARE_SHARED, ANY)
    check(code)
    return "ok"


def transmit(command):
    header = s.SCARD_PCI_T1 if protocol == s.SCARD_PROTOCOL_T1 else s.SCARD_PCI_T0
    code, answer = s.SCardTransmit(card, header, list(bytes.fromhex(command)))
    check(code)
    return bytes(answer).hex()


def reconnect():
    check(s.SCardReconnect(card, s.SCARD_SHARE_SHARED, ANY, s.SCARD_LEAVE_CARD)[0])
    return "ok"


def disconnect(how):
    check(s.SCardDisconnect(card, s.SCARD_RESET_CARD if how == "reset" else s.SCARD_LEAVE_CARD))
    return "ok"


code, context = s.SCardEstablishContext(s.SCARD_SCOPE_USER)
check(code)
for line in sys.stdin:
    verb, _, rest = line.strip().partition(" ")
    try:
        answer = globals()[verb](*([rest] if rest else []))
    except OSError as error:
        answer = f"! {error}"
    print(answer, flush=True)
