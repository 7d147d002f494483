"""Zoom's own RTMS client (`pip install rtms`, Linux or macOS) as the bot of the Zoom simulator.

Answers webhooks, joins with the vendor's SDK, and says at the end what came. Use, in two terminals:

    export ZOOM_CLIENT_ID=id ZOOM_CLIENT_SECRET=one ZOOM_WEBHOOK_SECRET=two
    python bots/tests/peers/zoom_sdk.py 7312 60              # port, seconds; add "opus" for Opus instead of L16
    reframe-bot sim zoom fixtures/calls/demo --webhook http://127.0.0.1:7312/ --speed 4
"""

import collections
import hashlib
import hmac
import os
import sys
import threading

import rtms

PORT, SECONDS = int(sys.argv[1]), float(sys.argv[2])
OPUS = "opus" in sys.argv[3:]
counts = collections.Counter()
times = collections.defaultdict(list)
joined = {}


def say(*words):
    print(*words, flush=True)


def join(payload):
    client = rtms.Client()
    if OPUS:
        wish = dict(codec=4, sample_rate=3, channel=2, frame_size=960)
    else:
        wish = dict(codec=1, sample_rate=1, channel=1, frame_size=320)
    client.set_audio_params(rtms.AudioParams(content_type=2, data_opt=2, duration=20, **wish))

    def audio(data, _size, time, who):
        counts["messages"] += 1
        counts["bytes"] += len(data)
        times[who.userId].append(time)

    client.on_audio_data(audio)
    client.on_transcript_data(lambda data, _size, _time, who: say("words of", who.userName, "-", data.decode()))
    client.on_join_confirm(lambda why: say("joined", why))
    client.on_leave(lambda why: say("left", why))
    client.on_participant_event(lambda what, _time, who: say(what, [one["user_name"] for one in who]))
    client.on_active_speaker_event(lambda _time, _who, name: say("speaks", name))
    client.on_media_connection_interrupted(lambda _time: say("media interrupted"))
    secrets = dict(client=os.environ["ZOOM_CLIENT_ID"], secret=os.environ["ZOOM_CLIENT_SECRET"])
    client.join(dict(payload, **secrets))
    return client


def webhook(body, _request, answer):
    event, payload = body["event"], body["payload"]
    payload = payload.get("object", payload)
    say("webhook", event)
    answer.set_status(200)
    if event == "endpoint.url_validation":
        plain = payload["plainToken"]
        key = os.environ["ZOOM_WEBHOOK_SECRET"].encode()
        token = hmac.new(key, plain.encode(), hashlib.sha256).hexdigest()
        answer.send({"plainToken": plain, "encryptedToken": token})
        return
    answer.send({})
    if event == "meeting.rtms_started" and payload["server_urls"] not in joined:
        joined[payload["server_urls"]] = join(payload)
    elif event == "meeting.rtms_stopped":
        say("stopped, reason", payload["stop_reason"])


def finish():
    say("in all", dict(counts))
    for who, all_times in times.items():
        in_order = all(a <= b for a, b in zip(all_times, all_times[1:]))
        say(f"user {who}: {len(all_times)} messages over {all_times[-1] - all_times[0]} ms, in order: {in_order}")
    os._exit(0)


server = rtms.WebhookServer(PORT, "/")
server.start(webhook)
threading.Timer(SECONDS, finish).start()
rtms.run(stop_on_empty=False)
