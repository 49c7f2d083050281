"""Words and letters of other languages: how an answer is labelled, and how options are lettered.

The words are those of MGSM, Global-MMLU and of models that answer in the language of the question. Facts, not rules:
`extract` and `choice` say what is made of them.
"""

from __future__ import annotations

ANSWER_WORDS = (
    # Latin script: English, Spanish, Portuguese, Catalan, Galician, French, Italian, German, Dutch, Swedish, Danish,
    # Norwegian, Finnish, Estonian, Latvian, Lithuanian, Polish, Czech, Slovak, Slovene, Croatian, Hungarian, Romanian,
    # Turkish, Azerbaijani, Uzbek, Indonesian, Malay, Vietnamese, Filipino, Swahili, Yoruba, Hausa, Igbo, Somali,
    # Shona, Chichewa, Malagasy, Basque, Welsh, Irish, Albanian, Icelandic, Esperanto.
    *("answer", "respuesta", "resposta", "réponse", "reponse", "risposta", "antwort", "antwoord", "svaret", "svar"),
    *("vastaus", "vastus", "atbilde", "atsakymas", "odpowiedź", "odpowiedz", "odpověď", "odpoveď", "odgovor", "válasz"),
    *(
        "răspuns",
        "raspuns",
        "cevap",
        "cevab",
        "yanıt",
        "cavab",
        "javob",
        "jawaban",
        "jawapan",
        "câu trả lời",
        "trả lời",
    ),
    *(
        "đáp án",
        "đáp số",
        "sagot",
        "jibu",
        "ìdáhùn",
        "idáhùn",
        "idahun",
        "àdáhùn",
        "amsa",
        "azịza",
        "jawaab",
        "mhinduro",
    ),
    *("yankho", "valiny", "erantzuna", "ateb", "freagra", "përgjigja", "përgjigje", "svarið", "respondo"),
    # Cyrillic, Greek, Armenian, Georgian: Russian, Ukrainian, Belarusian, Bulgarian, Serbian, Macedonian, Kazakh.
    *("ответ", "відповідь", "адказ", "отговор", "одговор", "жауап", "απάντηση", "պատասխան", "პასუხი"),
    # Arabic, Persian, Urdu, Hebrew, Amharic.
    *("الإجابة", "إجابة", "الاجابة", "اجابة", "الجواب", "جواب", "پاسخ", "תשובה", "መልስ"),
    # Hindi, Marathi, Nepali, Bengali, Punjabi, Gujarati, Tamil, Telugu, Kannada, Malayalam, Sinhala.
    *("उत्तर", "जवाब", "উত্তর", "ਉੱਤਰ", "ਜਵਾਬ", "જવાબ", "ઉત્તર", "பதில்", "விடை", "సమాధానం", "జవాబు", "ಉತ್ತರ"),
    *("ഉത്തരം", "පිළිතුර"),
    # Thai, Lao, Burmese, Khmer; Chinese, Japanese, Korean.
    *(
        "คำตอบ",
        "ຄຳຕອບ",
        "အဖြေ",
        "ចម្លើយ",
        "正确答案",
        "答案",
        "答え",
        "答复",
        "回答",
        "解答",
        "正解",
        "答",
        "정답",
        "답변",
        "답",
    ),
)
"""`Answer`, longer words before those that begin like them."""

RESULT_WORDS = (
    *("result", "resultado", "résultat", "risultato", "ergebnis", "resultaat", "resultat", "wynik", "sonuç", "hasil"),
    *("kết quả", "результат", "الناتج", "परिणाम", "结果", "結果", "결과"),
)
"""`Result`, which labels a number as `answer` does."""

CHOOSING_WORDS = ("正确选项", "正确的选项", "故选", "应选", "應選", "選擇", "选择", "選", "选")
"""Words that choose an option without a word for `answer`, as Chinese says `hence choose D`."""

_LETTER_ROWS = (
    "ABCDEFGHIJ",
    # Circled letters; full-width ones are folded before they are looked up.
    "ⒶⒷⒸⒹⒺⒻⒼⒽⒾⒿ",
    # Greek.
    "ΑΒΓΔΕ",
    # Arabic in the order of the abjad, Persian and Urdu `alef`, Hebrew.
    "أبجدهوزحطي",
    "ابجد",
    "אבגדהוזחטי",
    # Devanagari, Bengali, Gurmukhi, Gujarati, Tamil, Telugu, Kannada, Malayalam, Sinhala.
    "कखगघङचछजझञ",
    "কখগঘঙচছজঝঞ",
    "ਕਖਗਘਙ",
    "કખગઘ",
    "அஆஇஈஉஊ",
    "కఖగఘ",
    "ಕಖಗಘ",
    "കഖഗഘ",
    "කඛගඝ",
    # Thai, Lao, Khmer, Burmese, Georgian, Armenian, Amharic.
    "กขคงจฉชซฌญ",
    "ກຂຄງ",
    "កខគឃង",
    "ကခဂဃင",
    "აბგდევზ",
    "ԱԲԳԴԵԶԷ",
    "ሀለሐመሠረ",
    # Chinese heavenly stems, Japanese katakana, Korean syllables and letters.
    "甲乙丙丁戊己",
    "アイウエオカ",
    "가나다라마바",
    "ㄱㄴㄷㄹㅁㅂ",
)
_CYRILLIC = "АБВГДЖЗИК"
# What looks like a Latin letter is one: the options were lettered A, B, C, D, and the keyboard was Cyrillic.
_TWINS = {"А": "A", "В": "B", "С": "C", "Е": "E", "Н": "H"}
_SPOKEN = (
    # The English letters as they are spelled in Hindi, Telugu, Kannada, Malayalam, Tamil, Bengali, Punjabi, Gujarati.
    ("ए", "बी", "सी", "डी"),
    ("ఎ", "బి", "సి", "డి"),
    ("ಎ", "ಬಿ", "ಸಿ", "ಡಿ"),
    ("എ", "ബി", "സി", "ഡി"),
    ("ஏ", "பி", "சி", "டி"),
    ("এ", "বি", "সি", "ডি"),
    ("ਏ", "ਬੀ", "ਸੀ", "ਡੀ"),
    ("એ", "બી", "સી", "ડી"),
    # Hindi and Bengali, by sound; Persian and Urdu.
    ("अ", "ब", "स", "द"),
    ("অ", "ব", "ড", "ঢ"),
    ("الف", "ب", "ج", "د"),
)


def _options() -> dict[str, str]:
    named = {sign: "ABCDEFGHIJ"[i] for row in (*_LETTER_ROWS, *_SPOKEN) for i, sign in enumerate(row)}
    cyrillic = {sign: "ABCDEFGHIJ"[i] for i, sign in enumerate("АБВГДЕЖЗИК") if sign in _CYRILLIC}
    circled = {sign: str(i + 1) for i, sign in enumerate("①②③④⑤⑥⑦⑧⑨⑩")}
    parenthesised = {sign: str(i + 1) for i, sign in enumerate("⑴⑵⑶⑷⑸⑹⑺⑻⑼⑽")}
    letters = {sign: "ABCDEFGHIJ"[i] for i, sign in enumerate("⒜⒝⒞⒟⒠⒡⒢⒣⒤⒥")}
    return named | cyrillic | _TWINS | circled | parenthesised | letters


OPTION_SIGNS = _options()
"""What an option is called, in any script, and the Latin letter or the digit that it stands for."""

OPTION_WORDS = (
    *("option", "opción", "opcion", "opção", "alternativa", "opzione", "opcja", "opciunea", "optie", "alternativ"),
    *(
        "seçenek",
        "seçeneğ",
        "şık",
        "pilihan",
        "opsi",
        "phương án",
        "chaguo",
        "вариант",
        "варіант",
        "опция",
        "επιλογή",
        "choice",
    ),
    *("الخيار", "خيار", "گزینه", "آپشن", "אפשרות", "विकल्प", "পছন্দ", "বিকল্প", "ਵਿਕਲਪ", "વિકલ્પ", "விருப்பம்"),
    *("ఎంపిక", "ఆప్షన్", "ಆಯ್ಕೆ", "ഓപ്ഷൻ", "ตัวเลือก", "ข้อ", "选项", "選項", "選択肢", "보기", "선택지"),
)
"""`Option`."""
