"""Whether a question looks like one of the families: a hint for the answer card, never a solver."""

from __future__ import annotations

import re
from dataclasses import dataclass

from s1core.problems.english import in_words
from s1core.problems.words import DAYS, MONTHS

LONGEST = 1_000
"""Characters; the families' questions are shorter."""
_NUMBER_WORDS = "|".join([*(in_words(n) for n in range(2, 20)), *(in_words(n) for n in range(20, 100, 10)), "hundred"])
_NUMBER = re.compile(rf"\d+|\b(?:{_NUMBER_WORDS}|half|twice|dozen|double|triple|both|another)\b")
_LARGE = re.compile(r"\d{5,}|\d[.,]\d|\d\s*%\s*of\b|\^|√|∫|\b[xyz]\s*[=+*/^-]|[=+*/^-]\s*[xyz]\b(?!\s*\d)")
"""Numbers and signs that no family has."""
_OTHER_TASK = re.compile(
    r"^\W*(?:please |can you |could you |would you |help me |i want you to )*"
    r"(?:explain|translate|summari[sz]e|describe|discuss|compose|draft|prove|define|recommend|debug|fix|refactor|rewrite|"
    r"generate|create|design|why|how (?:do|does|did|can|could|should|would|to)\b(?! (?:i|we|you) (?:get|have|pay) ))"
    r"|\b(?:write|tell|give|make|sing) (?:me )?(?:an?|some|the) "
    r"(?:\w+ )?(?:story|poem|essay|joke|letter to|email|song|recipe|speech|list|plan|function|program|script|code|"
    r"summary|paragraph|haiku|blog|review|slogan|report|class|query|test|history|advice|tips?)\b"
    r"|\b(?:python|javascript|java|html|css|sql|regex|function|def |print\(|import |bash|api|json|c\+\+|golang|rust)\b"
    r"|```|[{};]\s*$",
)
_ASKS_COUNT = r"how (?:many|often|long)|count|number of|\btimes\b|\bhave\b.*\?$|\b[a-z]'s\?$"
_ONE_LETTER = r"(?<![\w'])(?:[b-hj-z]|[a-z]'s|[b-df-hj-np-tv-z]s|[\"'][a-z][\"']|(?:many|write|type|letter|of) [ai]\b|[ai](?= in\b)|are [ai]$)(?![\w'])"
_MOVES = r"swap|switch|trade|trading|exchang|chang\w* (?:places|with)|change with|\bmove|goes? where"
_RELATIVE = (
    r"\b(?:grand)?(?:mother|father|mom|dad|mum|ma|pa|son|daughter)s?\b|\b(?:sister|brother|aunt|uncle|niece|nephew|cousin|"
    r"wife|husband|parent|grandma|grandpa)s?\b|-in-law|\bmarried\b"
)
_UNIT = (
    r"\b(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|dozens?|meters?|metres?|centimet(?:er|re)s?|cm|mm|km|"
    r"millimet(?:er|re)s?|kilomet(?:er|re)s?|feet|foot|inch|inches|yards?|pounds?|ounces?|dollars?|cents?|euros?|dimes?)\b"
)
_MONEY = r"\$|\b(?:dollars?|euros?|cents?|coins?|bucks|dimes?|nickels?|quarters?|pounds?|bill|price|cost|pay|paid|pays)"
_DAY = "|".join(DAYS).lower()
_MONTH = "|".join(MONTHS).lower()
_SIGN = r"[-+*x×/÷]|plus|minus|times|divided by|take away|multiplied by"
_VALUE = rf"(?:\d+|(?:{_NUMBER_WORDS}|one)(?:[- ](?:one|{_NUMBER_WORDS}))*)"


@dataclass(frozen=True, slots=True)
class _Rule:
    """A family is meant where all of these are found, with at least so many numbers."""

    family: str
    needs: tuple[str, ...]
    numbers: int = 0
    unless: str = "(?!)"

    def fits(self, text: str, numbers: int) -> bool:
        """Whether the text is meant."""
        found = numbers >= self.numbers and all(re.search(need, text) for need in self.needs)
        return found and not re.search(self.unless, text)


_RULES = (
    _Rule(
        "letters",
        (
            _ASKS_COUNT,
            r"\bvowels?\b|\bletters?\b|\bspell|\btype [a-z]\b",
            r"\b(?:in|word|have|has|does|is|of|spell|write|make)\b",
        ),
        unless=r"alphabet|letters? (?:from|to) ",
    ),
    _Rule(
        "letters",
        (_ASKS_COUNT, _ONE_LETTER, r"\b(?:in|word|have|contain|contains|has|does|write|spell|there|is)\b|[\"-]"),
    ),
    _Rule(
        "logic",
        (
            r"\b(?:liars?|lies|lying|lie|truth|honest|trusted)\b",
            r"\b(?:says?|claims?|tells?|according)\b",
            r"\?$|yes or no|tell me|whether|honest|(?:does|is|can|should) [^.]*$",
        ),
        unless=r"\bhow|what should|\bmy\b|why",
    ),
    _Rule(
        "logic",
        (r"\b(?:if|when|whenever|as soon as|in case)\b", r"\b(?:is|does|do|can|would|should)\b[^.?]*\??$|yes or no"),
        unless=rf"how (?:many|much|old|far|long)|what|who\b|which|{_DAY}|\d",
    ),
    _Rule(
        "logic",
        (
            r"\b(?:all|every|each|any|no|none|not a single|never|always|being|whoever)\b",
            r"\b(?:is|are)\b",
            r"\b(?:is|can|must|would you call|are|whether|be)\b[^.?]*\b(?:a|an|shy|be)\b[^.?]*\??$|yes or no|is (?:he|she|it) \w+\??$",
        ),
        unless=r"\d|how |what (?!do you think)|, ?who (?!is an? )|^who|which",
    ),
    _Rule(
        "logic",
        (
            r"one (?:each|for each|to each)|each ha(?:s|ve)|of them each|everybody another|and \w+ (?:have|share|picked)\b|one of these|\bown\b|\bgot\b",
            r"\bnot\b|n't|never|cannot",
            r"what|who|which",
        ),
        unless=r"\d|how many",
    ),
    _Rule(
        "walks",
        (
            r"\b(?:north|east|south|west)\b",
            r"\bturn|\bleft\b|\bright\b|walk|step|\bgo(?:es)?\b|facing|\bface|heading|drove|ran|run|hike|crawl|block|mile|\bmove|stroll|march|meter|km",
        ),
    ),
    _Rule(
        "cups",
        (
            _MOVES,
            r"\bwhere|\bwho|which",
            r"\b(?:has|have|holds?|holding|got|under|hid\w*|starts?|draws|dealt|hands|give|sits)\b",
        ),
        unless=r"how many|\d|\bshould",
    ),
    _Rule(
        "kinship",
        (
            rf"(?:{_RELATIVE}).*(?:{_RELATIVE})",
            r"\bwho|\bwhich|\bname[ds]?\b|relat|called|call\b|\bfind\b|tell|\bsay\b|what(?: is|'s) \w+ to|'s what\b",
        ),
        unless=r"how (?:many|old|much)|\bage\b|\d",
    ),
    _Rule(
        "ages",
        (
            r"years? old|\bold(?:er)?\b|younger|\bages?\b|was born|\bbirthday\b|turned|years on",
            r"how old|how many years|\bages?\b",
        ),
        1,
        unless=r"how many \w+ (?:are|do|does|did)",
    ),
    _Rule(
        "ordering",
        (
            r"\w+er than|more \w+ than|\bthan\b|before|after|ahead of|behind|in front of|\bbeat\b|weighs|taller|shorter|older|younger",
            r"\b(?:who|which|name|find|tell|of them|oldest|what)\b",
            r"\w+(?<!b)est\b|\bfirst\b|\blast\b|\bwon\b|\bsecond\b|very back|middle",
        ),
        unless=r"\d|how many|\bbest\b|in the world|ever\b",
    ),
    _Rule(
        "days",
        (
            rf"\b(?:{_DAY})s?\b|day (?:after|before) (?:tomorrow|yesterday)",
            r"\bdays?\b|weekday|yesterday|tomorrow|\bwhen\b",
            r"\?|what|which|tell|count|plus|day",
        ),
    ),
    _Rule("months", (rf"\b(?:{_MONTH})\b", r"\bmonths?\b|what comes|\blater\b"), unless=r"how (?:many|much|old)"),
    _Rule(
        "clock",
        (
            r"o'?clock|\bclock\b|\bhours?\b|\bam\b|\bpm\b|noon|midnight",
            r"what time|what(?:'s| is) the time|which hour|what hour|at what|when|clock|the hour|o'clock|time is",
        ),
        1,
        unless=r"how many (?:minutes|seconds|hours)|in minutes|tokyo|london|new york",
    ),
    _Rule(
        "sequences",
        (
            rf"{_VALUE},? +(?:and )?{_VALUE},? +(?:and )?{_VALUE}",
            r"next|sequence|pattern|continu|after|last|blank|follow|count|where are we|go on|come|numbers on|and now|_|places|later|more",
        ),
        3,
        unless=r"\bsum\b|add up|together|how many \w+ (?:are|do|does)|plus|minus|altogether|dollar|\bin all\b|total",
    ),
    _Rule(
        "cups",
        (
            _MOVES,
            r"\bwhere|\bwhich|\bwho|\bunder|\bcolor|point to|hand|find",
            r"\b(?:red|blue|green|yellow|white|black|purple|pink|brown|gr[ae]y|orange|cups?|has|have|holds?|holding|got|belongs|dealt|seat|chair)\b",
        ),
    ),
    _Rule(
        "coins",
        (r"nickel|dime|-cent", r"cents|worth|how much"),
        1,
        unless=r"convert|how many cents (?:are|is|in|make|do|are in) (?:\w+ )?dimes?\b(?! and)|in dimes",
    ),
    _Rule(
        "conversions",
        (
            rf"(?:{_UNIT}).*(?:{_UNIT})",
            rf"how many (?:full |whole )?(?:{_UNIT}|eggs)|in (?:just )?(?:{_UNIT}|eggs)\b|convert|\b(?:to|into) {_UNIT}|(?:total|sum|number|age) (?:number )?(?:in|of) (?:{_UNIT})|in (?:months|minutes|days|eggs)|{_UNIT} (?:in|of)? ?total|{_UNIT} altogether|{_UNIT}\?",
        ),
        1,
        unless=r"o'clock|what time|how old|\bage of\b|\bcost|price|\beach\b|apiece",
    ),
    _Rule("conversions", (r"dozen", r"eggs"), 1),
    _Rule(
        "coins",
        (
            _MONEY,
            r"\beach\b|apiece|\bper\b|cost|price|\bpay|\bpaid|change|worth|value|nickel|dime|\d+-cent|sell|sold|charge|an hour|total|purse|pocket|bought|buy|bill|come to|at \S+ a piece",
            r"how much|how many|what|total|cost|change|\bpay\b|find|add",
        ),
        1,
        unless=r"how old",
    ),
    _Rule(
        "comparing",
        (
            r"more\b.*\bthan|than\b.*\bmore|how many more|fewer|\bless\b|together|altogether|total|in all|difference|longer|all of them|behind|ahead|beat|as many|catch up|by how|add them up|how many (?:birds|kids)|twice|got together|number of|has \w+ got",
            r"how many|how much|by how|difference|total|tell me|find|how far|twice|work out",
        ),
        2,
        unless=r"equal|evenly|shared|\beach\b|fair|what is|divided|a day",
    ),
    _Rule(
        "sharing",
        (
            r"\bequal(?:ly)?\b(?!s|\?| how)|\beven(?:ly)?\b|fits?\b|piles|\beach\b|every\b|share|split|divid|fair|\bper\b|in \w+ of|same number|same|of \d+ \w+|packs?|apiece|person",
            r"how many|how much|how big|how tall|what|per\b|find|tell|total|divide|part",
        ),
        1,
    ),
    _Rule("sums", (rf"{_VALUE}\s*(?:{_SIGN})\s*{_VALUE}",)),
    _Rule("sums", (rf"(?:{_VALUE}, )+{_VALUE},? and {_VALUE}", r"together|sum|add|total|make|up")),
    _Rule(
        "sums",
        (
            rf"\bsum\b|\badd\b|subtract|\bdifference (?:between|of) {_VALUE} and {_VALUE}(?!\w| [a-z])|product|multipl|more than|less than|double|triple|take away|take \S+ away|summed|plus|minus|greater|smaller|bigger than|put \S+ and|count (?:up|down)|times \d|go (?:up|down) by|from \d+ to \d+|how far is it|taking away|(?:^|[.:?] )(?:first )?take \d|times",
            r"\?|what|which|how|add|tell|find|subtract|take|multiply",
        ),
        1,
        unless=r"[a-z]{4,}s (?:are|do|does) ",
    ),
    _Rule(
        "shopping",
        (
            r"how (?:many|much|warm)|people inside|what (?:is|was|does|number|percent|sum)|count|score|tell me|left|number|now\?|which temp|final|how high",
            r"\b(?:has|have|had|got|are|is|was|were|with|holds?|start\w*|begin\w*|began|own\w*|sit|keeps?|count\w*|buys?|bought|baked|at|lists|saved|collect\w*|find\w*|found|carr\w+|bring\w*|brought|contain\w*|used|saw|see|score|show\w*|hand\w*|lie|live|rest|leaves|on|in|of)\b",
        ),
        2,
    ),
)


def family_of(text: str) -> str | None:
    """The family that a question seems to be of, or None: whether s1-135M was taught such questions.

    Args:
        text: what somebody typed, in any case and with or without marks.
    """
    asked = " ".join(text.lower().replace("’", "'").split()).rstrip(" .!")
    if not asked or len(asked) > LONGEST or _OTHER_TASK.search(asked) or _LARGE.search(asked):
        return None
    numbers = len(_NUMBER.findall(asked))
    return next((rule.family for rule in _RULES if rule.fits(asked, numbers)), None)
