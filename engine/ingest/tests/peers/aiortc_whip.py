"""Joins a call over WHIP with aiortc: a peer nobody here wrote. Needs: pip install aiortc aiohttp.

usage: aiortc_whip.py URL TOKEN FILE.wav SECONDS

Prints one JSON object per line: joined, sent, left."""

import asyncio
import json
import sys
from urllib.parse import urljoin

import aiohttp
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer


def say(**facts):
    print(json.dumps(facts), flush=True)


async def main(url, token, path, seconds):
    peer = RTCPeerConnection()
    connected = asyncio.Event()

    @peer.on("connectionstatechange")
    def changed():
        if peer.connectionState == "connected":
            connected.set()

    peer.addTransceiver(MediaPlayer(path).audio, direction="sendonly")
    await peer.setLocalDescription(await peer.createOffer())
    bearer = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=bearer) as http:
        offer = {"Content-Type": "application/sdp"}
        async with http.post(url, data=peer.localDescription.sdp, headers=offer) as answer:
            body = await answer.text()
            if answer.status != 201:
                say(refused=answer.status, why=body)
                return 1
            session = urljoin(url, answer.headers["Location"])
            await peer.setRemoteDescription(RTCSessionDescription(sdp=body, type="answer"))
        await asyncio.wait_for(connected.wait(), 20)
        say(joined=session)
        await asyncio.sleep(seconds)
        stats = await peer.getStats()
        say(sent=sum(s.packetsSent for s in stats.values() if s.type == "outbound-rtp"))
        async with http.delete(session) as answer:
            say(left=answer.status)
    await peer.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))))
