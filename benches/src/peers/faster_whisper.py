"""Hears the WAV files named on standard input, one a line, with the faster-whisper model in the folder given; prints one JSON line each."""
import json
import sys
import time
from importlib.metadata import version

from faster_whisper import WhisperModel

model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8", cpu_threads=1, num_workers=1, local_files_only=True)
print(json.dumps({"system": "faster-whisper", "version": version("faster-whisper")}), flush=True)
for line in sys.stdin:
    begun = time.process_time()
    segments, _ = model.transcribe(line.rstrip("\n"), language="en", beam_size=5)
    text = " ".join(segment.text for segment in segments)
    took = time.process_time() - begun
    print(json.dumps({"text": text, "cpu_s": took}), flush=True)
