"""Asks the gateway as its users would, and holds every answer against the OpenAPI document that it serves.

ask.py BASE PATH...              one line of JSON for each: [status, body]; exits with 1 when an answer does not fit
ask.py BASE --listen N QUERY [ID]  the first N events, one line of JSON each: [event, id, data]
"""
import json
import sys
import urllib.error
import urllib.request

import jsonschema


def get(url, headers={}):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read()


def fits(template, path):
    parts, words = template.split("/"), path.split("?")[0].split("/")
    return len(parts) == len(words) and all(
        part.startswith("{") or part == word for part, word in zip(parts, words))


def operation(document, path):
    """The GET of the template that fits a path; words of the path win over parameters."""
    fitting = [template for template in document["paths"] if fits(template, path)]
    return document["paths"][min(fitting, key=lambda template: template.count("{"))]["get"]


def check(document, path, status, kind, body):
    if not any(fits(template, path) for template in document["paths"]):
        return
    content = operation(document, path)["responses"][str(status)]["content"]
    schema = dict(content[kind]["schema"], components=document["components"])
    jsonschema.Draft202012Validator(schema).validate(json.loads(body))


def listen(base, count, query, last):
    headers = {"Last-Event-ID": last} if last else {}
    with urllib.request.urlopen(urllib.request.Request(base + "/live" + query, headers=headers), timeout=120) as answer:
        event = {}
        for line in answer:
            line = line.decode().rstrip("\n")
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value
            elif event:
                print(json.dumps([event.get("event"), event.get("id"), event.get("data")]), flush=True)
                event, count = {}, count - 1
                if count == 0:
                    return


base, arguments = sys.argv[1], sys.argv[2:]
if arguments[0] == "--listen":
    listen(base, int(arguments[1]), arguments[2], arguments[3] if len(arguments) > 3 else None)
else:
    document = json.loads(get(base + "/openapi.json")[2])
    assert document["openapi"].startswith("3.1")
    for path in arguments:
        status, kind, body = get(base + path)
        check(document, path, status, kind, body)
        print(json.dumps([status, json.loads(body)]))
