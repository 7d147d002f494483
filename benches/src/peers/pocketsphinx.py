"""Hears the WAV files named on standard input, one a line, with PocketSphinx's own model; prints one JSON line each."""
import json
import sys
import time
from importlib.metadata import version

import pocketsphinx

decoder = pocketsphinx.Decoder(samprate=16000, loglevel="FATAL")
print(json.dumps({"system": "PocketSphinx", "version": version("pocketsphinx")}), flush=True)
for line in sys.stdin:
    with open(line.rstrip("\n"), "rb") as file:
        samples = file.read()[44:]
    begun = time.process_time()
    decoder.start_utt()
    decoder.process_raw(samples, full_utt=True)
    decoder.end_utt()
    heard = decoder.hyp()
    took = time.process_time() - begun
    print(json.dumps({"text": heard.hypstr if heard else "", "cpu_s": took}), flush=True)
