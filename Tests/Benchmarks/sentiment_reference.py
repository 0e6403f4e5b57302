"""Scores headlines with vaderSentiment and clusters them with SimHash blocks and Jaccard, as a Python service would.

usage: sentiment_reference.py ARTICLES.json SECONDS     prints rates per second of CPU time as one JSON object
"""
import hashlib
import json
import os
import re
import sys
import time

import vaderSentiment.vaderSentiment as vader

with open(sys.argv[1], encoding="utf-8") as file:
    articles = json.load(file)
seconds = float(sys.argv[2])
analyzer = vader.SentimentIntensityAnalyzer()
texts = [f"{a['title']}. {a['description']}" for a in articles]
word = re.compile(r"[a-z0-9]+(?:[.,][0-9]+)*")


def words(text):
    return word.findall(text.lower().replace("'", ""))


def simhash(tokens):
    counts = [0] * 64
    shingles = tokens + [f"{a} {b}" for a, b in zip(tokens, tokens[1:])]
    for shingle in shingles:
        value = int.from_bytes(hashlib.blake2b(shingle.encode(), digest_size=8).digest(), "little")
        for bit in range(64):
            counts[bit] += 1 if value >> bit & 1 else -1
    return sum(1 << bit for bit in range(64) if counts[bit] > 0)


def jaccard(a, b):
    return len(a & b) / (len(a | b) or 1)


def headline(article):
    text = re.sub(r"^UPDATE \d+-", "", article["title"])
    return text.removesuffix(f" - {article['outlet']}")


def cluster():
    blocks, stories = {}, []
    for article in articles:
        title = words(headline(article))
        whole = title + words(article["description"])
        numbers = {w for w in title if w[0].isdigit()}
        title_set, whole_set = set(title), set(whole)
        keys = []
        for kind, tokens in (("t", title), ("w", whole)):
            value = simhash(tokens)
            keys += [(kind, n, value >> 16 * n & 0xffff) for n in range(4)]
        found = None
        for key in keys:
            for index in blocks.get(key, ()):
                other_title, other_whole, other_numbers = stories[index]
                if numbers != other_numbers:
                    continue
                similar = jaccard(whole_set, other_whole)
                if similar >= 0.7 or jaccard(title_set, other_title) >= 0.8 and (
                        similar >= 0.25 or len(whole) == len(title) or other_whole == other_title):
                    found = index
                    break
            if found is not None:
                break
        if found is None:
            for key in keys:
                blocks.setdefault(key, []).append(len(stories))
            stories.append((title_set, whole_set, numbers))
    return len(stories)


def rate(body):
    start, calls = time.process_time(), 0
    while True:
        body()
        calls += 1
        spent = time.process_time() - start
        if spent >= seconds:
            return calls * len(articles) / spent


folder = os.path.dirname(vader.__file__)
score = rate(lambda: [analyzer.polarity_scores(text) for text in texts])
grouping = rate(cluster)
print(json.dumps({
    "lexicon": os.path.join(folder, "vader_lexicon.txt"), "emoji": os.path.join(folder, "emoji_utf8_lexicon.txt"),
    "score": score, "cluster": grouping, "both": 1 / (1 / score + 1 / grouping), "stories": cluster(),
    "sum": sum(round(analyzer.polarity_scores(text)["compound"] * 10000) for text in texts)}))
