#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Print a Module.symvers of what an unpacked kernel image exports.

A module that uses a symbol which is not there then does not build, and one for
a kernel with MODVERSIONS gets the checksums that the kernel compares.
"""
import struct
import sys
from collections.abc import Iterator

# its address, its content
Section = tuple[int, bytes]


def sections(image: bytes) -> dict[str, Section]:
    """Of an ELF image, by their names."""
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


def exports(table: Section, strings: Section, checksums: bytes) -> Iterator[tuple[str, int]]:
    """The names and checksums of a table of struct kernel_symbol, whose fields are relative."""
    address, content = table
    strings_address, text = strings
    for index in range(len(content) // 12):
        field = index * 12 + 4
        relative, = struct.unpack_from("<i", content, field)
        start = address + field + relative - strings_address
        crc = struct.unpack_from("<I", checksums, index * 4)[0] if checksums else 0
        yield text[start:text.index(b"\0", start)].decode(), crc


def main() -> None:
    with open(sys.argv[1], "rb") as f:
        found = sections(f.read())
    for suffix, kind in (("", "EXPORT_SYMBOL"), ("_gpl", "EXPORT_SYMBOL_GPL")):
        if "__ksymtab" + suffix not in found:   # newer kernels have only the first
            continue
        _, checksums = found.get("__kcrctab" + suffix, (0, b""))
        for name, crc in exports(found["__ksymtab" + suffix], found["__ksymtab_strings"],
                                 checksums):
            print(f"0x{crc:08x}\t{name}\tvmlinux\t{kind}\t")


main()
