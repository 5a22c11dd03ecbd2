#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Print a Module.symvers of what an unpacked kernel image exports.

The image has no CRCs that a kernel without MODVERSIONS would look at; what
counts is that a module which uses a symbol that is not there does not build.
"""
import struct
import sys


def sections(image):
    """Map each section's name to its (address, content)."""
    shoff, = struct.unpack_from("<Q", image, 0x28)
    shentsize, shnum, shstrndx = struct.unpack_from("<HHH", image, 0x3a)
    headers = [struct.unpack_from("<IIQQQQ", image, shoff + i * shentsize)
               for i in range(shnum)]
    names = headers[shstrndx][4]
    result = {}
    for name, _, _, address, offset, size in headers:
        end = image.index(b"\0", names + name)
        result[image[names + name:end].decode()] = (address, image[offset:offset + size])
    return result


def exports(table, strings):
    """The names in a table of struct kernel_symbol, whose fields are relative."""
    address, content = table
    strings_address, text = strings
    for entry in range(0, len(content), 12):
        field = entry + 4
        relative, = struct.unpack_from("<i", content, field)
        start = address + field + relative - strings_address
        yield text[start:text.index(b"\0", start)].decode()


def main():
    with open(sys.argv[1], "rb") as f:
        found = sections(f.read())
    for table, kind in (("__ksymtab", "EXPORT_SYMBOL"), ("__ksymtab_gpl", "EXPORT_SYMBOL_GPL")):
        for name in exports(found[table], found["__ksymtab_strings"]):
            print(f"0x00000000\t{name}\tvmlinux\t{kind}\t")


main()
