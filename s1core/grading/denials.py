"""Words by which texts deny an option, leave it open among others, or name a thing by a letter. Facts for `rejected`.

Regular expressions in the languages of `labels`; the letters and digits of options are not part of them.
"""

from __future__ import annotations


def _words(*rows: str) -> tuple[str, ...]:
    return tuple(" ".join(rows).split())


NEGATIONS = _words(
    # English, German, Dutch, Swedish, Danish, Norwegian.
    r"not \w+n['’]t never neither no cannot except(?:\s+for)? other\s+than without",
    r"(?:anything|everything|all|any)\s+but rather\s+than instead\s+of unlike rul(?:e|es|ed|ing)\s+out eliminat\w+",
    r"exclud\w+ discard\w* reject\w* dismiss\w* nicht kein\w* weder außer ausschlie\w+ statt niet geen behalve",
    "inte ej utom ikke undtagen unntatt",
    # French, Spanish, Portuguese, Italian, Romanian, Catalan.
    r"pas sauf excepté ne élimin\w+ exclu\w* écart\w+ salvo excepto descart\w+ elimin\w+ não nem exceto non",
    r"tranne eccetto esclud\w+ scart\w+ nu nici",
    # Polish, Czech, Slovak, Croatian, Hungarian, Finnish, Estonian, Turkish.
    r"nie oprócz wyklucz\w+ odrzuc\w+ není nejde kromě vyluč\w+ nije osim kivéve kizár\w+ ei paitsi değil",
    # Indonesian, Vietnamese, Swahili, Filipino, Yoruba.
    r"bukan tidak kecuali selain không trừ loại(?:\s+trừ|\s+bỏ)? si sio isipokuwa hindi maliban kìí\s+ṣe",
    # Russian, Ukrainian, Bulgarian, Serbian, Greek.
    r"не ни нет кроме исключ\w+ отбрас\w+ крім виключ\w+ није осим δεν όχι εκτός",
    # Hebrew, Arabic, Persian.
    r"לא אינה אינו למעט ليست? لا غير ما\s+عدا باستثناء ن?استبعد\w* نستبعد نه به\s?جز",
    # Chinese, Thai.
    "[不没沒非别勿] 并非 而非 排除(?:掉|了)? 除(?:了|去) ไม่(?:ใช่)? ยกเว้น",
)
"""What stands before an option that is not chosen: `not B`, `排除B`, `anything but B`."""

BEFORE_DENIED = _words(
    "the an? la les? el lo os? as il l den det der die das de to be is are es é è ist est är er jest je este e",
    r"ole είναι η phải là ser sein être correct right true necessarily really likely simply actually cho[os]s?\w*",
    r"select\w* pick\w* letter letra statement statements both either",
    "[选選][择擇项項]? 是 为 应 该 能 可 会 要 必 正确 هي هو เลือก ข้อ",
)
"""What may stand between the negation and the option: `does not have to be the option B`, `不应该选B`."""

ONE_IS = _words(
    "is was seems looks appears ist wäre est es era está queda é fica è va är er jest je este on είναι",
)
"""`Is`: what follows is said of the last option alone."""

SEVERAL_ARE = _words(
    r"are were both (?:would|must|can|could|should|may|might|will)\s+be sind sont son están quedan são estão sono",
    "vanno zijn są jsou su sunt ovat ikisi",
)
"""`Are`: what follows is said of all options that are listed."""

PARTICLES = _words("は が も 은 는 이 가 도 是 也 都 均 则 則 皆 被 可以? 肯定 显然 明显 绝对 一定 应该? 并 هو هي")

_COPULA_NOT = _words(
    r"not\b(?!\s+(?:only|just|wrong|incorrect|false|ruled|eliminated|excluded)) nicht niet inte ikke ej pas out\b",
)

_CANNOT = (
    r"(?:(?:can|could|wo|would|do|does|did|is|was|are)n['’]?t|cannot|(?:can|could|will|would|do|does|did)\s+not)\b"
    r"(?!\s+be\s+(?:ruled|elimin|exclu|discard|reject|wrong|incorr))"
)
DENIALS = (_CANNOT,) + _words(
    # English, German, Dutch, Swedish, Danish, Norwegian.
    r"wrong incorrect false\b untrue impossible ruled\s+out eliminated excluded discarded rejected never\b",
    r"fails\b olamaz falsch inkorrekt unzutreffend scheidet\s+aus entfällt",
    r"(?:passt|stimmt|gilt|kommt|geht)\s+(?:\w+\s+){0,2}nicht trifft\s+nicht kann\s+(?:nicht|ausgeschlossen)",
    r"ausgeschlossen fout\b onjuist verkeerd klopt\s+niet valt\s+af fel\b felaktig",
    r"(?:stämmer|passar|gäller)\s+inte forkert feil\b galt\b (?:stemmer|passer|gælder)\s+ikke",
    # French, Spanish, Portuguese, Italian, Romanian.
    r"fauss faux\b inexact erroné à\s+(?:éliminer|exclure|écarter|rejeter) éliminé exclue? écarté n['’]\w+\s+pas",
    r"ne\s+(?:\w+\s+pas|convient|va|peut) fals erróne equivocad descart se\s+(?:descart|elimin|exclu) eliminad",
    r"excluid excluíd no\s+(?:es|está|son|puede|era|parece|encaja|cumple|sirve|corresponde) incorret errad errat",
    r"não\s+(?:é|está|são|pode|serve|corresponde) sbagliat scorrett scartat esclus",
    r"non\s+(?:è|può|va|sono|corrisponde) greșit incorect nu\s+(?:este|e|poate|sunt)",
    # Polish, Czech, Slovak, Croatian, Hungarian, Finnish, Turkish.
    r"błędn niepoprawn nieprawidłow odpada nie\s+(?:jest|pasuje|może|je) špatn chybn nesprávn není nejsou netočn",
    r"pogrešn nije\b hibás téves helytelen nem\b väär ei\s+(?:ole|voi|sovi) yanlış (?:doğru\s+)?değil hatalı səhv",
    r"(?:düzgün\s+)?deyil",
    # Indonesian, Vietnamese, Swahili, Filipino.
    r"salah keliru bukan tidak sai\b không\s bị\s+loại si\s+sahihi sio mali\b hindi\b",
    # Russian, Ukrainian, Bulgarian, Serbian, Greek.
    r"не\s?(?:вер[её]?н|правильн|подход|явля|прав|может|соответ|годит|підх|є\b|е\b) ошибочн исключ ложн отпада",
    r"хибн помилков грешн погрешн није\b λάθος λανθασμ εσφαλμ δεν\s",
    # Hebrew, Arabic, Persian, Urdu.
    r"שגוי מוטע לא\s אינ[הו]\s خاطئ خطأ غير\s+صحيح ليس غلط مستبعد نادرست اشتباه (?:درست\s+|صحیح\s+)?(?:نیست|نہیں)",
    # Hindi, Marathi, Bengali, Punjabi, Gujarati, Tamil, Telugu, Kannada, Malayalam, Sinhala.
    r"(?:सही\s+|उत्तर\s+)?(?:नहीं|नाही) गलत ग़लत असत्य चूक (?:সঠিক\s+|ঠিক\s+)?(?:নয়|না) ভুল ਗਲਤ ਨਹੀਂ ખોટ નથી தவற",
    "சரியல்ல அல்ல తప్పు కాదు ತಪ್ಪು ಅಲ್ಲ തെറ്റ അല്ല ശരിയല്ല වැරදි නොවේ",
    # Thai, Lao, Khmer; Chinese, Japanese, Korean.
    "ผิด ไม่ ຜິດ ບໍ່ ខុស មិន",
    "不(?:对|對|正确|正確|是|成立|符合|合适|行|可能|选|選|能选) [错錯] 有误 排除",
    "では?な では?ありません じゃな 間違 誤 不正解 不適 正しくな",
    r"適切でな ありえな あり得な 아닌 違 ちが 除外 当てはまら 正解では 아니 아닙 틀[렸린리] 오답",
    r"[옳맞]지\s?않 정?답이\s?(?:아니|아닙|될\s?수\s?없) 잘못 적절하지 제외",
)
"""What stands after an option that is not chosen, with or without a verb: `B is wrong`, `B选项错误`, `B değil`."""

COPULA_DENIALS = (*DENIALS, *_COPULA_NOT)
"""What may stand after an option and a verb as well: `B is not it`, but `B not A` chooses B."""

OR_WORDS = _words(
    r"or nor oder noch of eller ou o u ni né sau ori lub albo czy nebo či alebo ili või tai vai vagy veya ya\s+da",
    r"və\s+ya yoki atau hoặc hay au ama tàbí tabi ko edo neu nó ose eða aŭ vs\.? versus или либо або чи ή είτε ან",
    "կամ או أو او أم یا या अथवा किंवा অথবা বা কিংবা ਜਾਂ અથવા કે లేదా ಅಥವಾ അല്ലെങ്കിൽ அல்லது හෝ ወይም หรือ ຫຼື ឬ",
    "或(?:者|是)? [还還]是 または 又は もしくは あるいは か 또는 혹은 이?거나 이?나 아니면 soit",
)
"""`Or`, between two options."""

BOTH_WORDS = _words(
    r"and plus as\s+well\s+as und sowie en och og et y e i a și oraz és ja ve və va dan và na at ati eta agus dhe",
    "kaj и та і και და և و और तथा एवं आणि এবং ও ਅਤੇ અને మరియు ಮತ್ತು മற்றும் மற்றும் සහ እና และ ແລະ និង [和与與及跟] と",
    "及び [와과] 그리고",
)
"""`And`, between two options."""

DOUBTS = _words(
    r"maybe perhaps possibly probably else even vielleicht eventuell peut-être quizás? talvez forse tal\s+vez",
    r"может\s+быть возможно mungkin belki 也许 可能",
)
"""`Maybe`, between `or` and an option."""

AFTER_OPTION = _words(
    # English.
    "is was are because since as and or but not for with which would must can could should will does has says",
    "states seems fits works makes gives best due based given instead rather follows holds matches describes",
    "shows represents here",
    # German, Dutch, Swedish, Danish, Norwegian, Finnish.
    "ist wäre weil da denn und oder aber wegen trifft stimmt passt gibt omdat want en of maar är er eftersom för",
    "fordi og och eller men on koska ja tai",
    # French, Spanish, Portuguese, Italian, Romanian.
    "est car parce puisque et ou mais es porque ya pues y o pero puesto dado é pois e mas já è perché poiché ma",
    "este deoarece pentru și sau",
    # Polish, Czech, Croatian, Hungarian, Turkish.
    "jest bo ponieważ gdyż i lub ale je protože nebo jer mert és vagy şık şıkkı şıkkıdır seçeneği seçeneğidir",
    "çünkü ve veya değil",
    # Indonesian, Vietnamese, Swahili, Filipino.
    "karena adalah dan atau sebab merupakan vì là và hoặc đúng kwa kwani ni na au dahil ay kasi sapagkat",
    # Russian, Ukrainian.
    "потому так и или но а верен верна верно верный правилен правильный правильно является поскольку не подходит",
    "бо тому або та вірна правильна",
)
"""What follows an option where `A`, `E` and `I` are words too: `A because`, but `A triangle`, `A alternativa`."""

EPITHETS = _words(
    "coli elegans melanogaster pylori subtilis cerevisiae aureus albicans difficile botulinum tetani perfringens",
    "anthracis cereus burgdorferi pertussis jejuni influenzae gondii histolytica faecalis faecium diphtheriae",
    "trachomatis neoformans africanus afarensis sapiens erectus habilis thaliana aegypti fumigatus niger flavus",
    "gambiae rerio reinhardtii baumannii granulosus familiaris duodenale lumbricoides benthamiana discoideum",
    "fetus abortus henselae",
)
"""Species, after the first letter of their genus: `E. coli`, while `B. leave a tip` is an option."""

WRONG = _words(
    "wrong incorrect false falsch inkorrekt fauss mauvais incorrect erron equivocad errad incorret sbagliat errat fout",
    "verkeerd onjuist felaktig forkert feil błędn niepoprawn nesprávn špatn неправильн неверн ошибочн хибн неправилн",
    "गलत ভুল 错误 錯誤 틀린 잘못된 間違 誤 خاطئ نادرست salah yanlış hibás helytelen greșit λάθος λανθασμέν שגוי",
)
"""Stems of `wrong`, next to a word for `answer`: `Wrong answer: B`."""

THINGS_OF_LETTERS = _words(
    "cells? lymphocytes? major minor flat sharp proteins? horizon battery batteries waves? vitamins?",
)
"""What a letter stands before that is part of its name: `B cells`."""

LETTERED_THINGS = _words(
    "grade vitamin vitamina vitamine vitamín",
    "витамин hepatitis hepatite influenza type typ tipo plan group gruppe grupo",
    "groupe blood class figure point punto punkt team appendix section schedule phase factor protein vertex",
    "column row box angle immunoglobulin",
)
"""What has a letter for a name: `vitamin C` is no option C."""
