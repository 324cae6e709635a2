"""Calls the doors of a gateway with the client libraries of OpenAI and Anthropic, as docs/gateway.md says.

    python examples/python/ask_gateway.py http://127.0.0.1:8080

Prints a JSON object a line: which call, what was answered, and the id of the decision.
"""

import json
import sys

import anthropic
import openai

MESSAGES = [{"role": "user", "content": "Write a haiku about logs."}]


def say(call: str, text: str, decision_id: str) -> None:
    print(json.dumps({"call": call, "text": text, "decisionId": decision_id}))


def main(url: str) -> None:
    chat = openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0)
    whole = chat.chat.completions.create(model="auto", messages=MESSAGES)
    say("chat", whole.choices[0].message.content, whole.id)

    text, decision_id = "", ""
    for chunk in chat.chat.completions.create(model="auto/cheap", messages=MESSAGES, stream=True):
        decision_id = chunk.id
        if chunk.choices:
            text += chunk.choices[0].delta.content or ""
    say("chat stream", text, decision_id)

    raw = chat.responses.with_raw_response.create(model="auto", input="Write a haiku about logs.")
    say("responses", raw.parse().output_text, raw.headers["x-quantum-decision-id"])

    kept = raw.parse().id
    again = chat.responses.retrieve(kept)
    (asked,) = chat.responses.input_items.list(kept)
    chat.responses.delete(kept)
    try:
        chat.responses.retrieve(kept)
    except openai.NotFoundError:
        say("responses again", f"{asked.content[0].text} {again.output_text}", "")

    try:
        chat.chat.completions.create(model="auto/cheep", messages=MESSAGES)
    except openai.NotFoundError as error:
        say("chat error", error.message, "")

    messages = anthropic.Anthropic(base_url=url, api_key="unused", max_retries=0)
    message = messages.messages.create(model="auto", max_tokens=100, messages=MESSAGES)
    say("messages", message.content[0].text, message.id)
    with messages.messages.stream(model="auto", max_tokens=100, messages=MESSAGES) as stream:
        text = "".join(stream.text_stream)
        say("messages stream", text, stream.get_final_message().id)
    counted = messages.messages.count_tokens(model="auto", messages=MESSAGES)
    say("count tokens", str(counted.input_tokens), "")


if __name__ == "__main__":
    main(sys.argv[1])
