// Reads [{event, topic, filter}] from standard input; prints for each whether the npm listener calls its handler.
const { Client } = require('@flatfile/listener')

async function matches({ event, topic, filter }) {
  let called = false
  const listener = new Client()
  const callback = () => { called = true }
  if (filter === undefined) listener.on(topic, callback)
  else listener.on(topic, filter, callback)
  await listener.dispatchEvent(event)
  return called
}

async function main() {
  let text = ''
  for await (const part of process.stdin) text += part
  const verdicts = []
  for (const one of JSON.parse(text)) verdicts.push(await matches(one))
  console.log(JSON.stringify(verdicts))
}

main()
