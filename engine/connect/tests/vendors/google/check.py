"""Drives the stand-in with Google's published client: every reply must be one the client understands.

Usage: python check.py URL KEY
"""

import base64
import json
import sys
import urllib.request
from email.message import EmailMessage

from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

url, key = sys.argv[1:3]


def service(credentials):
    return build("gmail", "v1", credentials=credentials, client_options={"api_endpoint": url}, static_discovery=True)


def refused(call, status):
    try:
        call()
    except HttpError as error:
        assert error.resp.status == status, error
        return error
    raise AssertionError(f"expected {status}")


def faults(rules):
    request = urllib.request.Request(f"{url}/_faults", data=json.dumps(rules).encode(), method="POST")
    with urllib.request.urlopen(request) as reply:
        assert reply.status == 204


def raw(message_id, subject="Größe", to="dana@buyer.example.com"):
    message = EmailMessage()
    if to:
        message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = message_id
    message.set_content("Hello Dana,\n\nas promised.\n")
    return base64.urlsafe_b64encode(message.as_bytes()).decode()


users = service(Credentials(token=key)).users()
assert users.getProfile(userId="me").execute()["emailAddress"]

# Drafts: made, read in every format, replaced, listed, found, sent.
draft = users.drafts().create(userId="me", body={"message": {"raw": raw("<a@x.example>")}}).execute()
assert draft["message"]["labelIds"] == ["DRAFT"]
whole = users.drafts().get(userId="me", id=draft["id"], format="raw").execute()
assert b"Hello Dana" in base64.urlsafe_b64decode(whole["message"]["raw"])
head = users.drafts().get(userId="me", id=draft["id"], format="metadata").execute()
headers = {h["name"]: h["value"] for h in head["message"]["payload"]["headers"]}
assert headers["Message-ID"] == "<a@x.example>"
full = users.drafts().get(userId="me", id=draft["id"], format="full").execute()
assert full["message"]["payload"]["body"]["data"]
replaced = users.drafts().update(userId="me", id=draft["id"], body={"message": {"raw": raw("<b@x.example>")}}).execute()
assert replaced["id"] == draft["id"] and replaced["message"]["id"] != draft["message"]["id"]
assert [d["id"] for d in users.drafts().list(userId="me").execute()["drafts"]] == [draft["id"]]
found = users.drafts().list(userId="me", q="rfc822msgid:<b@x.example>").execute()
assert found["drafts"][0]["id"] == draft["id"]
sent = users.drafts().send(userId="me", body={"id": draft["id"]}).execute()
assert sent["labelIds"] == ["SENT"]
assert "drafts" not in users.drafts().list(userId="me").execute()

# Sending, threads, pages.
answer = users.messages().send(userId="me", body={"raw": raw("<c@x.example>"), "threadId": sent["threadId"]}).execute()
thread = users.threads().get(userId="me", id=sent["threadId"], format="minimal").execute()
assert [m["id"] for m in thread["messages"]] == [sent["id"], answer["id"]]
assert users.messages().get(userId="me", id=answer["id"], format="raw").execute()["internalDate"]
request = users.messages().list(userId="me", labelIds=["SENT"], maxResults=1)
ids = []
while request is not None:
    reply = request.execute()
    ids += [m["id"] for m in reply.get("messages", [])]
    request = users.messages().list_next(request, reply)
assert ids == [answer["id"], sent["id"]]
assert "messages" not in users.messages().list(userId="me", q="rfc822msgid:<nobody@x.example>").execute()

# Errors: the client must be able to read their bodies.
assert "Recipient" in refused(lambda: users.messages().send(userId="me", body={"raw": raw("<d@x.example>", to="")}).execute(), 400).reason
assert refused(lambda: users.messages().get(userId="me", id="none").execute(), 404).error_details[0]["reason"] == "notFound"
for fault, status, reason in [
    ("rate_short", 429, "rateLimitExceeded"),
    ("rate_daily", 403, "dailyLimitExceeded"),
    ("unavailable", 503, "SERVICE_UNAVAILABLE"),
    ("error_before", 500, "INTERNAL_ERROR"),
]:
    faults([{"path": "/profile", "fault": fault}])
    error = refused(lambda: users.getProfile(userId="me").execute(num_retries=0), status)
    assert error.error_details[0]["reason"] == reason, error.error_details

# Tokens: one that is refused is renewed by the client itself, and a refresh token that is none is told apart.
renewing = Credentials(token="stale", refresh_token="standin-refresh", token_uri=f"{url}/token", client_id="app", client_secret="s")
assert service(renewing).users().getProfile(userId="me").execute()["messagesTotal"] == 2
assert renewing.token.startswith("standin-access-")
revoked = Credentials(token=None, refresh_token="revoked", token_uri=f"{url}/token", client_id="app", client_secret="s")
try:
    service(revoked).users().getProfile(userId="me").execute()
    raise AssertionError("expected a RefreshError")
except RefreshError as error:
    assert "invalid_grant" in str(error)
print("gmail: every reply understood")
