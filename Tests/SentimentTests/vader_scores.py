"""Scores of the reference package vaderSentiment: one JSON object a line, with the text and its four scores.

usage: vader_scores.py SEED COUNT      its own examples (the texts in the main part of its file), then COUNT texts that
                                       are put together from its words, emoji, modifiers and punctuation
       vader_scores.py files           the paths of its two lexica, a line each
"""
import ast
import json
import os
import random
import sys

import vaderSentiment.vaderSentiment as vader

folder = os.path.dirname(vader.__file__)
files = [os.path.join(folder, name) for name in ("vader_lexicon.txt", "emoji_utf8_lexicon.txt")]
if sys.argv[1] == "files":
    print("\n".join(files))
    sys.exit()

analyzer = vader.SentimentIntensityAnalyzer()


def examples():
    with open(vader.__file__, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    for node in tree.body:
        if isinstance(node, ast.If):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and len(part.value) > 3:
                    yield part.value


def seeded(seed, count):
    dice = random.Random(seed)
    words = sorted(analyzer.lexicon)
    emoji = sorted(key for key in analyzer.emojis if len(key) == 1)
    modifiers = sorted(vader.BOOSTER_DICT) + vader.NEGATE + sorted(vader.SPECIAL_CASES)
    named = ["but", "no", "or", "nor", "never", "so", "this", "without", "doubt", "least", "at", "very", "kind", "of",
             "the", "a", "shares", "of", "$AAPL", "@handle", "I", "wouldn't", "n't", "BUT"]
    blanks = [" "] * 12 + ["  ", "\t", "\n", "\u00a0", "\u2003", "\x1c", "\u3000"]
    for _ in range(count):
        text = ""
        for _ in range(dice.randrange(0, 14)):
            word = dice.choice(dice.choice([words, words, modifiers, named, named, emoji]))
            change = dice.randrange(8)
            if change == 0:
                word = word.upper()
            elif change == 1:
                word = word.capitalize()
            elif change == 2:
                word = dice.choice(["(", "\"", "'", "...", "#", "*"]) + word
            elif change == 3:
                word += dice.choice(["!", "!!", "?", "??", "????", ".", ",", ")", "'s", "!?", "\u2019s",
                                     "\u00e9", "\u00c9"])
            text += word + dice.choice(blanks if dice.randrange(12) else [""])
        yield text


for text in [*examples(), *seeded(int(sys.argv[1]), int(sys.argv[2]))]:
    scores = analyzer.polarity_scores(text)
    print(json.dumps({
        "text": text, "compound": round(scores["compound"] * 10000), "neg": round(scores["neg"] * 1000),
        "neu": round(scores["neu"] * 1000), "pos": round(scores["pos"] * 1000)}))
