"""Signs, names and calls of formulas, and the LaTeX that they stand for. Facts for `notation`."""

from __future__ import annotations

_GREEK = (
    *(
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
    ),
    *("pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"),
)

SIGNS = str.maketrans(
    dict.fromkeys("−–‐‑﹣", "-")
    | dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f", " ")
    | dict.fromkeys("°º˚", r"^\circ ")
    | dict.fromkeys("·⋅∙", r"\cdot ")
    | dict.fromkeys("∕⁄÷", "/")
    | {"×": r"\times ", "✕": r"\times ", "∗": "*", "≤": r"\le ", "⩽": r"\le ", "≦": r"\le ", "≥": r"\ge "}
    | {"⩾": r"\ge ", "≧": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "≃": r"\approx ", "±": r"\pm ", "∓": r"\mp "}
    | {"∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∖": r"\setminus ", "∅": r"\emptyset ", "∞": r"\infty "}
    | {"⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "⟨": "(", "⟩": ")", "∠": r"\angle "}
    | {"ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}"}
    | {"∑": r"\sum ", "∫": r"\int ", "…": r"\ldots ", "’": "'", "′": "'", "∶": ":"}
    | {"√": r"\sqrt ", "∛": r"\sqrt[3] ", "∜": r"\sqrt[4] "}
    | {sign: f"\\{name} " for sign, name in zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ", _GREEK, strict=True)}
)
"""Signs of Unicode, one character each."""
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣʸᵃᵇᵏᵐ", "0123456789+-()nixyabkm", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙᵢⱼₖₘₓₐ", "0123456789+-()nijkmxa", strict=True))

_FUNCTIONS = (
    *("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan"),
    *("ln", "log", "exp", "sqrt"),
)
_INVERSE = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arsinh",
    "acosh": "arcosh",
    "atanh": "artanh",
}
# `eta`, `iota`, `kappa` and `zeta` are words and names more often than letters.
_SPELLED = tuple(name for name in _GREEK if name not in ("zeta", "eta", "iota", "kappa", "upsilon", "Xi", "pi", "Pi"))
NAMES = (
    {name: f"\\{name} " for name in (*_FUNCTIONS, *_SPELLED)}
    | {name: f"\\{command} " for name, command in _INVERSE.items()}
    | dict.fromkeys(("oo", "inf", "infty", "infinity", "Infinity", "Inf", "INF"), r"\infty ")
    | dict.fromkeys(("pi", "Pi", "PI"), r"\pi ")
)
"""Names of functions and constants in plain text."""

CALLS: dict[tuple[str, int], str] = {
    ("sqrt", 1): r"\sqrt{{{0}}}",
    ("cbrt", 1): r"\sqrt[3]{{{0}}}",
    ("exp", 1): r"e^{{{0}}}",
    ("abs", 1): r"|{0}|",
    ("floor", 1): r"\lfloor {0}\rfloor ",
    ("ceil", 1): r"\lceil {0}\rceil ",
    ("ceiling", 1): r"\lceil {0}\rceil ",
    ("factorial", 1): r"({0})!",
    ("binomial", 2): r"\binom{{{0}}}{{{1}}}",
    ("comb", 2): r"\binom{{{0}}}{{{1}}}",
    ("rational", 2): r"\frac{{{0}}}{{{1}}}",
    ("fraction", 2): r"\frac{{{0}}}{{{1}}}",
    ("log", 2): r"\log_{{{1}}}({0})",
    ("log2", 1): r"\log_{{2}}({0})",
    ("log10", 1): r"\log_{{10}}({0})",
    ("pow", 2): r"({0})^{{{1}}}",
    ("eq", 2): r"{0} = {1}",
    ("matrix", 1): r"{0}",
}
"""Calls as programs write them, by name and number of arguments."""
