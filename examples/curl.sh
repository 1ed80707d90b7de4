#!/bin/sh
# A conversation by curl alone: begun at one API, continued and read at others.
set -eu
PARLEY_URL=${PARLEY_URL:-http://127.0.0.1:8787}
USER_ID=${PARLEY_USER:-alice}
json='Content-Type: application/json'

# Begin a conversation and see the answer come.
curl -sSN -D /tmp/parley-head.$$ "$PARLEY_URL/conversations" -H "$json" \
  -d "{\"user_id\": \"$USER_ID\", \"message\": \"Hello!\", \"model\": \"offline\", \"stream\": true}"
CONVERSATION=$(tr -d '\r' </tmp/parley-head.$$ | sed -n 's/^[Xx]-[Cc]onversation-[Ii]d: //p')
rm -f /tmp/parley-head.$$

# Go on as a client of OpenAI would.
curl -sS "$PARLEY_URL/v1/chat/completions" -H "$json" -H "X-User-Id: $USER_ID" -d "{
  \"model\": \"offline\",
  \"metadata\": {\"conversation_id\": \"$CONVERSATION\"},
  \"messages\": [{\"role\": \"user\", \"content\": \"And now?\"}]
}"
echo

# Read it as a page with useChat would.
curl -sS "$PARLEY_URL/conversations/$CONVERSATION?format=ui&user_id=$USER_ID"
echo
