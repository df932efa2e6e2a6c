// What the official library makes of a message with each of some secrets: the message, or why not.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const { body, headers, secrets } = JSON.parse(readFileSync(0, "utf8"));
const told = secrets.map((secret) => {
  try {
    return new Webhook(secret).verify(body, headers);
  } catch (error) {
    return error.message;
  }
});
process.stdout.write(JSON.stringify(told));
