"""Print for each code point: p printable, n not, u not assigned, s surrogate."""

import unicodedata


def kind(code):
    c = chr(code)
    if c.isprintable():
        return "p"
    return {"Cn": "u", "Cs": "s"}.get(unicodedata.category(c), "n")


print("".join(kind(code) for code in range(0x110000)))
