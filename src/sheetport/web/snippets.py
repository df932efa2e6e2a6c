"""The programs of the guide's steps: its own snippets word for word, and the same call in other languages.

``{{URL}}`` and such are filled in for the reader, masked keys by the page when they are revealed.
"""

from __future__ import annotations

#: What stands for a value that only the page's reader may reveal.
DEV_KEY, PROD_KEY = "sk_dev_••••••••", "sk_prod_••••••••"
CLIENT_ID, CLIENT_SECRET = "your-client-id", "your-client-secret"

BEFORE = """curl -O {{URL}}/preload.cjs
npm install @flatfile/api @flatfile/listener @flatfile/listener-driver-pubsub
pip install flatfile
"""

ENV_FILE = f"""# Required for all Flatfile integrations
FLATFILE_API_KEY={DEV_KEY}
FLATFILE_ENVIRONMENT_ID={{{{DEV}}}}
# Optional: For webhook endpoints
WEBHOOK_URL=https://your-app.com/webhook/flatfile
# This server in place of Flatfile's
FLATFILE_API_URL={{{{URL}}}}
AGENT_INTERNAL_URL={{{{URL}}}}
"""
TWO_ENV_FILES = f"""# Development environment
FLATFILE_API_KEY={DEV_KEY}
FLATFILE_ENVIRONMENT_ID={{{{DEV}}}}
# Production environment
FLATFILE_API_KEY={PROD_KEY}
FLATFILE_ENVIRONMENT_ID={{{{PROD}}}}
"""
CHECK_NODE = """const answer = await fetch(`${process.env.FLATFILE_API_URL}/v1/environments`, {
  headers: { Authorization: `Bearer ${process.env.FLATFILE_API_KEY}` }
});
console.log(await answer.json());
"""
CHECK_PYTHON = """import os
from flatfile.client import Flatfile

api = Flatfile(base_url=os.environ["FLATFILE_API_URL"] + "/v1", token=os.environ["FLATFILE_API_KEY"])
print(api.environments.list())
"""
PROD_NODE = CHECK_NODE.replace("process.env.FLATFILE_API_URL", "'{{URL}}'").replace(
    "${process.env.FLATFILE_API_KEY}", PROD_KEY
)
PROD_PYTHON = f"""from flatfile.client import Flatfile

api = Flatfile(base_url="{{{{URL}}}}/v1", token="{PROD_KEY}")
print(api.environments.list())
"""

LIST_NODE = """import api from "@flatfile/api";
// Secret key is automatically used from FLATFILE_API_KEY environment variable
// No additional configuration needed
const workbooks = await api.workbooks.list();
"""
AS_KEY_NODE = """// Set PAT in environment
// FLATFILE_API_KEY=your_personal_access_token
import api from "@flatfile/api";
const result = await api.workbooks.list();
"""
LIST_PYTHON = CHECK_PYTHON.replace("environments", "workbooks")

SIGN_IN_CURL = """curl --location '{{HOST}}/api/v1/auth' \\
--header 'Accept: application/json' \\
--header 'Content-Type: application/json' \\
--data-raw '{
"email": "{{EMAIL}}",
"password": "your-password"
}'
"""
CLIENT_CURL = f"""# Get access token using client credentials
curl -X POST {{{{URL}}}}/api/v1/auth \\
-H 'Content-Type: application/json' \\
-d '{{
"clientId": "{CLIENT_ID}",
"secret": "{CLIENT_SECRET}"
}}'
"""
_SIGN_IN_NODE = """const answer = await fetch("{{URL}}/api/v1/auth", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(%s)
});
console.log(await answer.json());
"""
_SIGN_IN_PYTHON = """import json
from urllib.request import Request, urlopen

body = json.dumps(%s).encode()
request = Request("{{URL}}/api/v1/auth", body, {"Content-Type": "application/json"})
print(json.load(urlopen(request)))
"""
_SIGN_IN_BODY = '{ "email": "{{EMAIL}}", "password": "your-password" }'
_CLIENT_BODY = f'{{ "clientId": "{CLIENT_ID}", "secret": "{CLIENT_SECRET}" }}'
PASSWORD_NODE, PASSWORD_PYTHON = _SIGN_IN_NODE % _SIGN_IN_BODY, _SIGN_IN_PYTHON % _SIGN_IN_BODY
CLIENT_NODE, CLIENT_PYTHON = _SIGN_IN_NODE % _CLIENT_BODY, _SIGN_IN_PYTHON % _CLIENT_BODY

SECRETS_NODE = """export default function flatfileEventListener(listener) {
listener.on("job:ready", async (event) => {
// Retrieve secret from Flatfile's secure storage
const apiKey = await event.secrets("EXTERNAL_API_KEY");
const webhookUrl = await event.secrets("WEBHOOK_URL");
// Use credentials securely
const response = await fetch(webhookUrl, {
method: "POST",
headers: {
"Authorization": `Bearer ${apiKey}`,
"Content-Type": "application/json"
},
body: JSON.stringify(data)
});
});
}
"""
SCOPED_NODE = """export default function flatfileEventListener(listener) {
listener.on("job:ready", async (event) => {
// Get secret from specific environment/space
const credential = await event.secrets("API_TOKEN", {
environmentId: "{{DEV}}",
spaceId: "{{SPACE}}"
});
});
}
"""
_LISTENER_PYTHON = """from sheetport.listener import Event, Listener

listener = Listener()


@listener.on("job:ready")
async def use_secrets(event: Event) -> None:
    %s
"""
SECRETS_PYTHON = _LISTENER_PYTHON % (
    'api_key = await event.secrets("EXTERNAL_API_KEY")\n    webhook_url = await event.secrets("WEBHOOK_URL")'
)
SCOPED_PYTHON = _LISTENER_PYTHON % (
    'credential = await event.secrets("API_TOKEN", environment_id="{{DEV}}", space_id="{{SPACE}}")'
)
START_NODE = """process.env.FLATFILE_BEARER_TOKEN ??= process.env.FLATFILE_API_KEY;
const { Client } = await import("@flatfile/listener");
const { PubSubDriver } = await import("@flatfile/listener-driver-pubsub");
const { default: flatfileEventListener } = await import(process.argv[2]);
const driver = new PubSubDriver(process.env.FLATFILE_ENVIRONMENT_ID);
driver.mountEventHandler(Client.create(flatfileEventListener));
await driver.start();
"""
SEND_JOB = f"""curl -X POST {{{{URL}}}}/v1/events \\
-H 'Authorization: Bearer {DEV_KEY}' \\
-H 'Content-Type: application/json' \\
-d '{{"domain": "workbook", "topic": "job:ready", "context": {{"environmentId": "{{{{DEV}}}}"}}, "payload": {{}}}}'
"""
MAKE_SPACE = f"""curl -X POST {{{{URL}}}}/v1/spaces \\
-H 'Authorization: Bearer {DEV_KEY}' \\
-H 'Content-Type: application/json' \\
-d '{{"name": "First space", "environmentId": "{{{{DEV}}}}"}}'
"""


def get_curl(path: str, key: str) -> str:
    """A GET of the API by curl."""
    return f"curl '{{{{URL}}}}{path}' --header 'Authorization: Bearer {key}'\n"
