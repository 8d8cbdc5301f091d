"""Writes down every IP packet that comes over a wire, one to a line: protocol, ends, and a beginning.

Usage: wire.py DEVICE FILE
"""
import ipaddress
import socket
import sys

device, file = sys.argv[1:]
ALL, IP, IP6 = 0x0003, 0x0800, 0x86DD
# Neighbours that are looked for are the kernel's business (RFC 4861).
NEIGHBOURS = range(133, 138)

wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL))
wire.bind((device, ALL))
print("listening", flush=True)
with open(file, "a", encoding="ascii") as out:
    while True:
        packet, (_, kind, *_) = wire.recvfrom(65536)
        if kind == IP:
            protocol, ends, size = packet[9], (packet[12:16], packet[16:20]), (packet[0] & 15) * 4
        elif kind == IP6:
            protocol, ends, size = packet[6], (packet[8:24], packet[24:40]), 40
            if protocol == 58 and packet[40] in NEIGHBOURS:
                continue
        else:
            continue
        source, target = map(ipaddress.ip_address, ends)
        out.write(f"{protocol} {source} {target} {packet[size:size + 64].hex()}\n")
        out.flush()
