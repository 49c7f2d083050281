"""Values that a text bounds or denies instead of giving them: `less than 3`, `it is not 5`, `5以上`.

Facts in the languages of `labels`; the signs `<`, `>` and `≠` are part of formulas, and read by `structure`.
"""

from __future__ import annotations

import re


def _any(*rows: str) -> str:
    return f"(?:{'|'.join(' '.join(rows).split())})"


_BEFORE = _any(
    # English, German, Dutch, Swedish, Danish, Norwegian.
    r"(?:more|less|fewer|greater|larger|smaller|bigger|higher|lower|longer|shorter|older|younger|other|rather)\s+than",
    r"not never(?:\s+be)? (?:anything|everything|all)\s+but cannot\s+be exceeds? exceeding \w+n['’]t(?:\s+(?:be|equal))?",
    r"(?:be|is|are|:|\w+['’]s)\s+(?:well\s+|just\s+)?(?:over|under|above|below)",
    r"not\s+(?:be|equal(?:\s+to)?|exactly|necessarily)",
    r"(?:mehr|weniger|größer|kleiner|höher|niedriger|anders)\s+als nicht(?:\s+gleich)? kein\w*",
    r"unter über (?:meer|minder|groter|kleiner|hoger|lager)\s+dan niet",
    r"(?:mer|mindre|fler|färre|större|högre|lägre)\s+än inte (?:mere|mer|mindre|færre|større|flere)\s+end?",
    "ikke",
    # French, Spanish, Portuguese, Italian, Romanian, Catalan.
    r"(?:plus|moins)\s+(?:de|que) (?:supérieur|inférieur)e?s?\s+(?:ou\s+égale?\s+)?à",
    r"(?:n['’]\w+|ne\s+\w+)\s+pas(?:\s+égale?\s+à)?",
    r"(?:más|menos)\s+(?:de|que) (?:mayor|menor)(?:es)?\s+(?:o\s+igual\s+)?(?:que|a|de)",
    r"no(?:\s+(?:es|son|igual\s+a)){0,2} (?:mais|menos)\s+(?:de|que|do\s+que) (?:maior|menor)\s+(?:do\s+)?que",
    r"não(?:\s+(?:é|são|igual\s+a)){0,2} (?:più|meno)\s+di",
    r"(?:maggiore|minore)\s+di non(?:\s+(?:è|sono|uguale\s+a)){0,2}",
    r"mai\s+(?:mult|puțin|mare|mic)\s+de(?:cât)? nu\s+este",
    # Polish, Czech, Slovak, Croatian, Hungarian, Finnish, Turkish.
    r"(?:więcej|mniej|większ[ay]e?|mniejsz[ay]e?)\s+niż nie(?:\s+(?:jest|równa\s+się))?",
    r"(?:více|víc|méně|větší|menší|viac|menej|väčšie|menšie)\s+(?:než|ako) není",
    r"(?:više|manje|veće|manji|veći)\s+od nije több,?\s+mint kevesebb,?\s+mint nem",
    r"(?:enemmän|vähemmän|suurempi|pienempi)\s+kuin ei(?:\s+ole)?",
    # Indonesian, Vietnamese, Swahili, Filipino.
    r"(?:lebih|kurang)(?:\s+(?:besar|kecil|banyak|sedikit))?\s+dari(?:pada)? bukan tidak",
    r"(?:lớn|nhỏ|nhiều|ít|cao|thấp)\s+hơn không(?:\s+phải)?(?:\s+(?:là|bằng))?",
    r"zaidi\s+ya chini\s+ya si sio higit\s+sa hindi",
    # Russian, Ukrainian, Bulgarian, Serbian, Greek.
    r"(?:более|менее|больше|меньше|выше|ниже|свыше)(?:,?\s+чем)? не(?:\s+(?:равно|равен|равна))?",
    r"(?:більше|менше)(?:\s+(?:ніж|за))? (?:повече|по-малко|по-голямо)\s+от",
    r"(?:περισσότερ|λιγότερ|μεγαλύτερ|μικρότερ)\w+\s+από δεν\s+είναι όχι",
    # Hebrew, Arabic, Persian, Urdu.
    r"(?:יותר|פחות|גדול|קטן)\s+מ-? לא אינו אינה (?:أكثر|أكبر|أقل|أصغر|أعلى)\s+من ليست? لا(?:\s+(?:يساوي|تساوي))?",
    r"(?:بیش|بیشتر|کمتر|بزرگتر|کوچکتر)\s+از",
    # Thai, Lao; Chinese, Japanese.
    "(?:มากกว่า|น้อยกว่า|ไม่เกิน|ไม่ใช่|ไม่เท่ากับ) [大小多少高低]于 [大小多少高低]於 不?超过 不?超過 不到 不足",
    "不(?:是|等于|等於|为) 並?非 并非",
)
_AT_LEAST = _any(
    r"at\s+(?:least|most) up\s+to mindestens höchstens maximal minimal minstens hoogstens minst högst højst",
    r"høyst au\s+(?:moins|plus) (?:al|por\s+lo)\s+menos como\s+máximo como\s+mínimo (?:pelo|ao|no)\s+menos",
    r"no\s+máximo no\s+mínimo almeno al\s+(?:massimo|minimo) cel\s+puțin cel\s+mult co\s+najmniej co\s+najwyżej",
    r"alespoň nejméně nejvýše aspoň najmenej najmanje najviše legalább legfeljebb vähintään enintään en\s+az",
    r"en\s+fazla paling\s+(?:sedikit|banyak) setidaknya ít\s+nhất nhiều\s+nhất tối\s+(?:đa|thiểu) angalau",
    r"hindi\s+bababa\s+sa минимум максимум принаймні щонайменше поне τουλάχιστον לפחות حداقل حداکثر کم\s+از\s+کم",
    "อย่างน้อย อย่างมาก 至少 至多 最多 少なくとも 最大で 多くとも",
)
"""Bounds only where they begin an answer: `you need at least 5` may be all that was asked for."""
_AFTER = _any(
    r"\s+(?:is|was)\s+(?:wrong|incorrect|false|not\b(?!\s+only)) \s+(?:ist|war)\s+(?:falsch|nicht\b)",
    r"\s+(?:est|es|é|è|är|er|jest|je)\s+(?:faux|fauss|in[ck]or|fals|errad|sbagliat|fel\b|fout|inte\b|niet\b|ikke\b|błędn)",
    r"\s*是?(?:不对|不正确|错|錯) \s*は(?:間違|誤|違)",
    r"\s*[은는이가]\s*(?:정?답이\s*)?(?:아니|아닙|틀)",
    # Endings that join a word to the number come with it: `5보다`, `5'ten`, `5 से`.
    r"\s+(?:\w{1,12}\s+)?or\s+(?:more|less|fewer|greater|higher|lower|above|below|over|under)",
    r"\s+(?:oder|und)\s+(?:mehr|weniger)",
    r"\s+(?:\w+\s+)?of\s+(?:meer|minder) \s+(?:\w+\s+)?eller\s+(?:mer|mere|fler|flere|mindre|færre)",
    r"\s+(?:\w+\s+)?ou\s+(?:plus|moins)",
    r"\s+(?:\w+\s+)?o\s+(?:más|menos|più|meno) \s+(?:\w+\s+)?ou\s+(?:mais|menos)",
    r"\s+(?:\w+\s+)?lub\s+(?:więcej|mniej)",
    r"\s+(?:\w+\s+)?[ив]\w*\s+(?:более|менее|больше|меньше) \s+(?:\w+\s+)?и\s+(?:более|больше)",
    r"\s+atau\s+(?:lebih|kurang)",
    r"\s+(?:\w+\s+)?trở\s+(?:lên|xuống) \s+(?:ve|veya)\s+(?:daha\s+)?(?:fazla|az)",
    r"['’]?\s?[td][ae]n\s+(?:daha\s+)?(?:fazla|az|çok|büyük|küçük)",
    r"\s+değil \s+deyil [’']?\s?\w{0,3}\s+değil",
    r"\s*(?:से|पेक्षा)\s+(?:अधिक|ज़?्?यादा|ज्यादा|कम|बड़ा|छोटा|जास्त|कमी) \s*(?:नहीं|नाही)",
    r"\s*(?:এর|টির)?\s*(?:চেয়ে|থেকে)\s*(?:বেশি|কম) \s*এর\s+(?:বেশি|কম)",
    r"\s*(?:নয়|না) \s*(?:కంటే|కన్నా) \s*కాదు \s*(?:ஐ\s+விட|அல்ல) \s*અથવા\s+વધુ \s*അല്ല \s*ಅಲ್ಲ \s*(?:نیست|نہیں)",
    r"\s*سے\s+(?:زیادہ|کم) \s*(?:ขึ้นไป|ลงมา)",
    r"\s*[个個人つ歳円名本枚回年元]?\s*(?:以上|以下|以内|未満|未满|超|を超|より|ではな|ではありません|じゃな|不足)",
    r"\s*(?:개|명|원|번|살|년|시간)?\s*(?:[을를]\s*)?(?:이상|이하|초과|미만|보다|넘|[이가]\s*아[니닙])",
)
_BOUND_BEFORE = re.compile(
    rf"(?:(?<![A-Za-z\u00c0-\u0dff]){_BEFORE}|(?:^|[:：.。]\s*)\W*{_AT_LEAST})[\s$\\(\"'“*]*$|[≠≮≯]\s*$", re.IGNORECASE
)
_BOUND_AFTER = re.compile(_AFTER, re.IGNORECASE)
_REACH = 48
"""Characters before a value in which a word bounds it."""


def is_bounded(text: str, start: int, end: int) -> bool:
    """Whether the text bounds or denies the value that it holds from `start` to `end`."""
    before = _BOUND_BEFORE.search(text, max(0, start - _REACH), start)
    return before is not None or _BOUND_AFTER.match(text, end) is not None
