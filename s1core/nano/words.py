"""Words for the letter-counting family: everyday words, and made-up ones so that spelling must be read, not recalled."""  # noqa: E501

from __future__ import annotations

import random

REAL_WORDS: tuple[str, ...] = tuple(
    ["apple", "banana", "cherry", "orange", "papaya", "mango", "melon", "lemon", "grape", "peach", "plum", "pear", "apricot", "avocado", "coconut", "tomato", "potato", "carrot", "pepper", "onion", "garlic", "ginger", "celery", "cabbage", "lettuce", "spinach", "broccoli", "cucumber", "pumpkin", "mushroom", "raspberry", "strawberry", "blueberry", "blackberry", "cranberry", "gooseberry", "elderberry", "mulberry", "butter", "cheese", "yogurt", "cookie", "coffee", "cocoa", "chocolate", "vanilla", "cinnamon", "sugar", "honey", "pancake", "waffle", "noodle", "pizza", "burger", "sandwich", "pretzel", "dumpling", "omelette", "sausage", "mississippi", "tennessee", "alabama", "arizona", "california", "colorado", "florida", "georgia", "hawaii", "indiana", "kansas", "kentucky", "louisiana", "minnesota", "missouri", "montana", "nebraska", "nevada", "oregon", "wisconsin", "wyoming", "alaska", "texas", "canada", "panama", "jamaica", "barbados", "london", "paris", "berlin", "madrid", "vienna", "prague", "moscow", "athens", "dublin", "lisbon", "helsinki", "barcelona", "amsterdam", "copenhagen", "table", "chair", "window", "mirror", "carpet", "curtain", "drawer", "kettle", "bottle", "basket", "blanket", "pillow", "hammer", "ladder", "bucket", "candle", "letter", "paper", "pencil", "eraser", "notebook", "scissors", "computer", "keyboard", "monitor", "printer", "camera", "television", "telephone", "battery", "bicycle", "motorcycle", "airplane", "helicopter", "submarine", "locomotive", "trolley", "tractor", "caravan", "scooter", "parallel", "engineer", "rabbit", "kitten", "puppy", "parrot", "turtle", "giraffe", "elephant", "kangaroo", "crocodile", "alligator", "hippopotamus", "rhinoceros", "butterfly", "grasshopper", "dragonfly", "caterpillar", "woodpecker", "flamingo", "penguin", "pelican", "ostrich", "seagull", "sparrow", "squirrel", "raccoon", "otter", "beaver", "badger", "hamster", "buffalo", "antelope", "leopard", "cheetah", "panther", "mammoth", "dinosaur", "barracuda", "salamander", "chameleon", "summer", "winter", "autumn", "spring", "morning", "evening", "midnight", "yesterday", "tomorrow", "calendar", "holiday", "birthday", "century", "decade", "mirror", "river", "mountain", "valley", "desert", "forest", "meadow", "island", "volcano", "glacier", "waterfall", "rainbow", "thunder", "lightning", "blizzard", "success", "process", "access", "address", "possess", "assess", "bookkeeper", "committee", "accommodate", "necessary", "embarrass", "occurrence", "difference", "reference", "preference", "difficult", "different", "excellent", "intelligence", "independent", "experience", "existence", "reading", "thinking", "counting", "learning", "teaching", "writing", "singing", "dancing", "running", "swimming", "jumping", "climbing", "wandering", "teacher", "student", "doctor", "lawyer", "farmer", "painter", "dancer", "singer", "writer", "builder", "plumber", "carpenter", "librarian", "gardener", "mathematics", "arithmetic", "geometry", "algebra", "statistics", "probability", "philosophy", "psychology", "chemistry", "astronomy", "biology", "happiness", "kindness", "weakness", "sadness", "madness", "loneliness", "carelessness", "fearlessness", "sleeplessness", "wilderness", "balloon", "bassoon", "cocoon", "lagoon", "raccoon", "saloon", "tattoo", "bamboo", "igloo", "shampoo", "voodoo", "kazoo", "taboo", "google", "doodle", "poodle", "puzzle", "dazzle", "drizzle", "sizzle", "muzzle", "nozzle", "guzzle", "buzzer", "fuzzy", "jazz", "pepperoni", "macaroni", "spaghetti", "zucchini", "linguini", "assassin", "abracadabra", "alfalfa", "banjo", "cicada", "dada", "entente", "feedback", "giggle", "hubbub", "illicit", "jejune", "knickknack", "lollipop", "murmur", "noon", "onion", "peppermint", "queue", "referee", "senses", "tattletale", "unusual", "vivid", "whitewash", "xerox", "yummy", "zigzag", "level", "radar", "rotator", "civic", "kayak", "racecar", "deified", "reviver", "minimum", "maximum", "momentum", "magnum", "medium", "museum", "aluminum", "millennium", "curriculum", "vacuum", "stadium", "titanium", "uranium", "helium", "calcium", "sodium", "lithium", "program", "grammar", "hammock", "comma", "dilemma"]  # noqa: E501
)

_LETTERS = "eeeeeaaaaiiioootttnnnsssrrrllldddmmmpppcccuugghhbbffyywwkkvvjxzq"


def _fresh_pair(letters: list[str], new: str) -> bool:
    """Whether adding `new` repeats no pair of neighbours: a repeated pair makes the place in the word ambiguous."""
    if not letters:
        return True
    pairs = {(a, b) for a, b in zip(letters, letters[1:], strict=False)}
    return (letters[-1], new) not in pairs


def made_up_word(rng: random.Random, length: int) -> str:
    """A random word in which some letters come back often, so that the count is not guessed easily."""
    favourite = rng.choices(_LETTERS, k=rng.choice((1, 1, 2)))
    letters: list[str] = []
    while len(letters) < length:
        new = rng.choice(favourite) if rng.random() < 0.4 else rng.choice(_LETTERS)
        if _fresh_pair(letters, new) or rng.random() < 0.03:
            letters.append(new)
    return "".join(letters)
