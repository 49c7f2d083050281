r"""Rewrite the ways people and programs write formulas as plain LaTeX, one small step after another.

`to_latex("3*sqrt(2)/x²")` gives `3*\sqrt{2}/x^{2}`. Every step is a function from text to text that leaves alone what
it does not know, and LaTeX stays LaTeX.
"""

from __future__ import annotations

import re
import unicodedata

from s1core.grading.brackets import closing, split_outside
from s1core.grading.symbols import CALLS, LOWERED, NAMES, RAISED, SIGNS
from s1core.grading.words import AND_WORDS, fold, read_connectives

_RAISED_ROOT = re.compile(rf"(?<![\w)}}\]])([{''.join(RAISED)}]+)\s*√")
_RAISED_RUN, _LOWERED_RUN = re.compile(f"[{''.join(RAISED)}]+"), re.compile(f"[{''.join(LOWERED)}]+")
_VULGAR = re.compile("[\u00bc-\u00be\u2150-\u215e]")

_TEXT = re.compile(r"\\(?:text(?:bf|it|rm|sf|tt|normal)?|mathrm|mathsf|mbox|rm)\s*\{([^{}]*)\}")
_UPRIGHT_POWERS = re.compile(r"\\(?:mathrm|text)\s*\{((?:[^{}]|\^\{-?\d\})*\^\{-?\d\}[^{}]*)\}")
_WRAPPER = re.compile(
    r"\\(?:mathbf|boldsymbol|bm|mathit|mathnormal|underline|emph|(?:text)?color\s*\{[^{}]*\}|boxed|fbox)\s*(?=\{)"
)
_IDLE = re.compile(
    r"^\s*[A-Za-z]{3,}(?:\s[A-Za-z]+)?:\s+(?=[-+\d$\\(])|^\s*\\text\s*\{[^{}]*(?:\bis|\bare|:|=)\s*\}|\\(?:left|right)\s*\.|\\(?:left|right|[bB]igg?[lrm]?)(?![a-zA-Z])"
    r"|^\s*(?:\\(?:sim|therefore|Rightarrow|implies|to)(?![a-zA-Z])|(?:about|approximately|around|roughly|exactly|genau|"
    r"exakt|etwa|ungefähr|rund|circa|environ|exactement|aproximadamente|exactamente|exatamente|esattamente|ungefär|"
    r"ongeveer|precies|dokładnie|około|přesně|tam\s+olarak|yaklaşık|tepat|sekitar|khoảng)\s)"
    r"|\\(?:[lL]arge|LARGE|[hH]uge|small|normalsize)(?![a-zA-Z])"
    r"|\\(?:displaystyle|textstyle|limits|checkmark|hline|nonumber|color\s*\{[^{}]*\})(?![a-zA-Z])"
    r"|\\[vh]?phantom\s*\{[^{}]*\}|\\[hv]space\*?\s*\{[^{}]*\}|\\!|\\pmod\s*(?:\{[^{}]*\}|\d+)|\(\s*\\?mod\s+[^()]*\)"
)
# Several lines, and values side by side, are several values.
_LINES = re.compile(
    r"\\begin\s*\{(cases|aligned|align\*?|gathered|split)\}(?P<body>(?:(?!\\begin|\\end).)*)\\end\s*\{\1\}", re.DOTALL
)
_NEXT_NAME = re.compile(r"(?<![,;])\s*(?:\\q?quad|\\\\)\s*(?=\\?[A-Za-z]+(?:_\{?\w+\}?)?\s*=)")
_BLANK = re.compile(r"(?<!\\)\\[,;: ]|~|\\q?quad(?![a-zA-Z])|\\thinspace")
_GROUP_MARK = re.compile(r"(?<=\d)\s*(?:\{,\}|\\,)\s*(?=\d{3}(?!\d))|(?<=\d)_(?=\d{3}(?!\d))")
_SAME: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\\[dtc]frac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\[dt]binom(?![a-zA-Z])"), r"\\binom"),
    (re.compile(r"\\lbrace(?![a-zA-Z])"), r"\\{"),
    (re.compile(r"\\rbrace(?![a-zA-Z])"), r"\\}"),
    (re.compile(r"\\langle(?![a-zA-Z])"), "("),
    (re.compile(r"\\rangle(?![a-zA-Z])"), ")"),
    (re.compile(r"\\l?vert(?![a-zA-Z])|\\rvert(?![a-zA-Z])"), "|"),
    (re.compile(r"\\varnothing(?![a-zA-Z])|\\\{\s*\\\}"), r"\\emptyset "),
    (re.compile(r"\^?\s*(?:\\degree(?![a-zA-Z])|\{\s*\\circ\s*\})"), r"^\\circ "),
    (re.compile(r"\\bmod(?![a-zA-Z])"), r"\\mod "),
    # Read as an exponent of its own: of anything but a matrix of numbers, the grammar drops a transposition.
    (
        re.compile(r"(?<!matrix\})\^\s*\{?\s*(?:\\(?:text|mathrm)\s*\{T\}|T|\\top|\\intercal)\s*\}?(?![A-Za-z])"),
        "^{T_{r}}",
    ),
    (re.compile(r"\\operatorname\s*\{(sin|cos|tan|cot|sec|csc|arc(?:sin|cos|tan)|ln|log|exp|lcm|gcd)\}"), r"\\\1 "),
    (re.compile(r"\\lg(?![a-zA-Z])"), r"\\log_{10}"),
    (re.compile(r"\\log_\{?e\}?(?![a-zA-Z])"), r"\\ln "),
    (re.compile(r"\\(max|min|gcd|lcm)\s*\\\{([^{}]*)\\\}"), r"\\\1(\2)"),
    (re.compile(r"\^\s*\{?\s*\\text\{(?:st|nd|rd|th)\}\s*\}?"), ""),
    (re.compile(r"(?<=\d)\s*(?:\^\s*\{?\s*(?:\\text\{o\}|o)\s*\}?(?![a-z])|\\deg(?![a-z]))"), r"^\\circ "),
    (re.compile(r"\{:\}"), ":"),
    (re.compile(r"\\pounds(?![a-zA-Z])"), "£"),
    (re.compile(r"(?<![a-zA-Z])equals(?![a-zA-Z])"), "="),
    # Next to each other, a whole number and a number would be read as a mixed number.
    (re.compile(r"(?<=[\d})])\s*(?=\\binom)|(?<=\))\s*(?=\()"), r"\\cdot "),
    (re.compile(r"(?<![\w}^.-])(\d+(?:\.\d+)?)\s*(?=\(\s*\d+\s*\))"), r"\1\\cdot "),
    (re.compile(r"<=|=<|\\leqq?(?:slant)?(?![a-zA-Z])"), r"\\le "),
    (re.compile(r">=|\\geqq?(?:slant)?(?![a-zA-Z])"), r"\\ge "),
    (re.compile(r"!=|\\neq(?![a-zA-Z])"), r"\\ne "),
    (re.compile(r"\\lt(?![a-zA-Z])"), "<"),
    (re.compile(r"\\gt(?![a-zA-Z])"), ">"),
    (re.compile(r"\+/-|^\+-"), r"\\pm "),
    (re.compile(r"(?<=[)\]])\s*U\s*(?=[(\[])"), r"\\cup "),
    (re.compile(r"^\s*\[([^\[\]]*)\[\s*$"), r"[\1)"),
    (re.compile(r"^\s*\]([^\[\]]*)\[\s*$"), r"(\1)"),
    (re.compile(r"^\s*\]([^\[\]]*)\]\s*$"), r"(\1]"),
    (re.compile(r"\{?(?<![\w}])(\w+)\s*(?:\\choose|\bchoose\b)\s*(\w+)\}?"), r"\\binom{\1}{\2}"),
    (re.compile(r"(?:\{\})?[\^_]\{?(\d+)\}?\s*C\s*_\{?(\d+)\}?"), r"\\binom{\1}{\2}"),
    (re.compile(r"\\begin\s*\{array\}\s*\{[^{}]*\}"), r"\\begin{matrix}"),
    (re.compile(r"\\end\s*\{array\}"), r"\\end{matrix}"),
    (re.compile(r"\\\\\s*\[[^\[\]]*(?:pt|em|ex|cm|mm)\]"), r"\\\\"),
    (re.compile(r"(?<![\\A-Za-z])(gcd|lcm|max|min|det)\s*(?=\()"), r"\\\1"),
    (re.compile(r"\*\*"), "^"),
    (re.compile(r"(?<=\d)[jJ](?![A-Za-z])"), "i"),
    (re.compile(r"(?<=\d)\s*[xX]\s*(?=10\s*\^)"), r"\\times "),
)
_MIXED = re.compile(r"(?<![\w.^/])(\d+)\s+(\d+)/(\d+)(?![\w.^])")
_E_NOTATION = re.compile(r"(?<![\w.\\^])(\d+\.?\d*|\.\d+)[eE]([+-]?\d+)(?![\w.])")
_LISTS = re.compile(r"\[\s*(\[[^\[\]]*\]\s*(?:,\s*\[[^\[\]]*\]\s*)*)\]")
_TRIG_DEGREES = re.compile(r"(\\(?:sin|cos|tan|cot|sec|csc)(?:\^\{\d+\})?)\s*(\(?)\s*(\d+\.?\d*)\s*\^\s*\\circ\s*(\)?)")
_NAME = re.compile(r"\\(?:begin|end|text|mathbb|mathcal|operatorname)\s*\{[^{}]*\}|\\[A-Za-z]+|[A-Za-z]{2,}")
_RUN_TOGETHER = re.compile(r"(?:[a-z]?(?:sin|cos|tan|cot|sec|csc|ln|log|sqrt|pi)[a-z]?)+")
_RUN_PART = re.compile(r"sin|cos|tan|cot|sec|csc|ln|log|sqrt|pi")

_CALL = re.compile(r"\\?(?<![A-Za-z])(" + "|".join(sorted({name for name, _ in CALLS})) + r"|C)\s*\(", re.IGNORECASE)


def to_latex(text: str) -> str:
    """The formula in plain LaTeX: one spelling for each sign, function, power, root, fraction and number."""
    for step in _STEPS:
        text = step(text)
    return " ".join(text.split())


def read_signs(text: str) -> str:
    r"""Signs of Unicode as LaTeX: `5√2` as `5\sqrt 2`, `x³` as `x^{3}`, `2½` as `2\frac{1}{2}`."""
    if text.isascii():
        return text
    text = _RAISED_ROOT.sub(lambda root: rf"\sqrt[{_mapped(root[1], RAISED)}] ", text)
    text = _RAISED_RUN.sub(lambda run: f"^{{{_mapped(run[0], RAISED)}}}", text)
    text = _LOWERED_RUN.sub(lambda run: f"_{{{_mapped(run[0], LOWERED)}}}", text)
    return _VULGAR.sub(_fraction, text).translate(SIGNS)


def _fraction(sign: re.Match[str]) -> str:
    numerator, _, denominator = unicodedata.normalize("NFKC", sign[0]).partition("⁄")
    return f"\\frac{{{numerator}}}{{{denominator}}}"


def _mapped(run: str, signs: dict[str, str]) -> str:
    return "".join(signs[sign] for sign in run)


def drop_dress(text: str) -> str:
    r"""Take off what only dresses a formula: `\left`, `\displaystyle`, `\boxed`, colours, fonts, spacing."""
    if r"\begin" not in text:
        # Written twice by programs that escape it.
        text = re.sub(r"\\\\(?=[A-Za-z])", r"\\", text)
    text = _LINES.sub(lambda lines: lines["body"].replace("&", " ").replace(r"\\", ", "), text)
    text = _IDLE.sub(" ", _NEXT_NAME.sub(", ", text))
    for wrapper in reversed(list(_WRAPPER.finditer(text))):
        end = closing(text, wrapper.end())
        if end is not None:
            text = f"{text[: wrapper.start()]} {text[wrapper.end() + 1 : end]} {text[end + 1 :]}"
    text = _BLANK.sub(" ", _GROUP_MARK.sub("", _UPRIGHT_POWERS.sub(r" \1", text)))
    return _TEXT.sub(_plain_group, text)


def _plain_group(group: re.Match[str]) -> str:
    words = group[1].replace("~", " ").strip()
    if words in AND_WORDS:
        return r"\text{and}"
    if words == r"^\circ":
        return words
    listed = [part.strip(" ()") for part in re.split(r"[,;]|\band\b|\bor\b", words)]
    if len(listed) > 1 and all(listed):
        return ", ".join(f"\\text{{{part}}}" for part in listed)
    if re.fullmatch(r"\(\s*[A-Za-z]\s*\)", words):
        words = words.strip("() ")
    # Numbers, punctuation and the constants e and i mean the same upright.
    return words if re.fullmatch(r"[\d.,;\s]*|[ei]", words) else f"\\text{{{words}}}"


def unify(text: str) -> str:
    r"""One spelling for commands and operators that mean the same: `\dfrac`, `<=`, `**`, `array`."""
    for pattern, same in _SAME:
        text = pattern.sub(same, text)
    return text


def read_calls(text: str) -> str:
    r"""Calls as programs write them: `exp(-x)` as `e^{-x}`, `sqrt((2+3)*5)` as `\sqrt{(2+3)*5}`, `Rational(1,3)`."""
    for call in reversed(list(_CALL.finditer(text))):
        end = closing(text, call.end() - 1)
        if end is None:
            continue
        args = split_outside(text[call.end() : end], ",")
        name = call[1].lower()
        if call[1] == "C" and len(args) == 2 and all(arg.isdigit() for arg in args):
            name = "comb"
        template = CALLS.get((name, len(args)))
        if template is not None and name != "c":
            text = f"{text[: call.start()]} {template.format(*args)} {text[end + 1 :]}"
    return text


def read_names(text: str) -> str:
    r"""Names of functions and constants as commands: `2 cos x` as `2 \cos x`, `pi` as `\pi`."""
    return _NAME.sub(lambda name: _command(name[0]), text)


def _command(name: str) -> str:
    if name.startswith("\\"):
        return name
    if name in NAMES:
        return NAMES[name]
    return _RUN_PART.sub(r" \\\g<0> ", name) if _RUN_TOGETHER.fullmatch(name) else name


_TAKES_ARGUMENTS = re.compile(r"\\(?:sqrt(?:\s*\[[^\[\]]*\])?|frac|binom)(?![a-zA-Z])\s*")
_ARGUMENT = re.compile(r"\s*(?:(\\[a-zA-Z]+(?:\{[^{}]*\})*)|(\d+(?:\.\d+)?)|([a-zA-Z]))")


def brace_arguments(text: str) -> str:
    r"""Arguments in braces: `\frac12`, `\sqrt 2`, `\sqrt(x+1)` as `\frac{1}{2}`, `\sqrt{2}`, `\sqrt{x+1}`."""
    for command in reversed(list(_TAKES_ARGUMENTS.finditer(text))):
        name, rest = command[0].strip(), text[command.end() :]
        single = name.startswith("\\sqrt")
        args: list[str] = []
        while len(args) < (1 if single else 2):
            found = _argument(rest, roots=single)
            if found is None:
                break
            args.append(found[0])
            rest = found[1]
        else:
            text = f"{text[: command.start()]}{name}{''.join(f'{{{arg}}}' for arg in args)}{rest}"
    return text


def _argument(text: str, *, roots: bool) -> tuple[str, str] | None:
    """The argument that a text begins with, and what follows it."""
    text = text.lstrip()
    if text.startswith("{") or (roots and text.startswith("(")):
        end = closing(text, 0)
        return None if end is None else (text[1:end], text[end + 1 :])
    found = _ARGUMENT.match(text)
    if found is None:
        return None
    # TeX takes one digit; only under a root do people mean the whole number.
    end = found.start(2) + 1 if found[2] and not roots else found.end()
    return text[:end], text[end:]


_POWER = re.compile(r"\^\s*(?=[(\-+\d\\])")
_EXPONENT = re.compile(r"[+-]?(?:\d+(?:\.\d+)?|\\frac\{[^{}]*\}\{[^{}]*\}|[a-zA-Z](?![a-zA-Z]))")


def brace_powers(text: str) -> str:
    r"""Exponents in braces: `x^(1/3)`, `2^10`, `2^-3` as `x^{1/3}`, `2^{10}`, `2^{-3}`."""
    for power in reversed(list(_POWER.finditer(text))):
        start = power.end()
        if text[start] == "(":
            end = closing(text, start)
            if end is not None:
                text = f"{text[: power.start()]}^{{{text[start + 1 : end]}}}{text[end + 1 :]}"
        elif exponent := _EXPONENT.match(text, start):
            end = exponent.end()
            if text.startswith("^{", end) and (close := closing(text, end + 1)) is not None:
                # Powers of powers are read from the right.
                end = close + 1
            text = f"{text[: power.start()]}^{{{text[start:end]}}}{text[end:]}"
    return text


def read_numbers(text: str) -> str:
    r"""`2e-3` as `2\times 10^{-3}`, `2 1/2` as `2\frac{1}{2}`."""
    text = _E_NOTATION.sub(lambda number: rf"{number[1]}\times 10^{{{int(number[2])}}}", text)
    return _MIXED.sub(lambda number: rf"{number[1]}\frac{{{number[2]}}}{{{number[3]}}}", text)


def read_lists(text: str) -> str:
    """A list of lists, as programs write a matrix, as a matrix."""
    return _LISTS.sub(_matrix, text)


def _matrix(lists: re.Match[str]) -> str:
    rows = (row.strip("[] \t").replace(",", "&") for row in split_outside(lists[1], ","))
    return "\\begin{pmatrix}" + r"\\".join(rows) + "\\end{pmatrix}"


def read_degrees(text: str) -> str:
    r"""Degrees that a function is taken of: `\sin 30^\circ` is half. Others are a unit."""
    return _TRIG_DEGREES.sub(lambda found: rf"{found[1]}(\frac{{{found[3]}\pi}}{{180}})", text)


_STEPS = (
    *(fold, read_connectives, read_signs, drop_dress, unify, read_calls, read_names, brace_arguments, drop_dress),
    *(brace_powers, read_numbers, read_lists, read_degrees),
)
