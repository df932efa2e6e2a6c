// Runs the bundle of one agent: reads events from standard input, answers on standard output.
// In:  4 bytes of length (big-endian), then one letter and a body: L the program (JSON), E an event (JSON).
// Out: "\n\x1e" + mark + " " + JSON + "\n", and after {"cache": n} n bytes. Everything else that is written is the log.
// The mark is random and known here only, so that what a bundle writes is never taken for an answer.
'use strict'

const { readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { format } = require('node:util')
const vm = require('node:vm')
for (const name of ['http', 'https', 'stream', 'crypto', 'zlib', 'url', 'os', 'events']) require(`node:${name}`)

const BUNDLE = '/agent/agent.cjs'
const MAX_LOG = 64 * 1024
const { stdin, stdout } = Deno
const encoder = new TextEncoder()
const decoder = new TextDecoder()
const later = setImmediate
const { gc } = globalThis
globalThis.gc = undefined
const { parse, stringify } = JSON
process.noDeprecation = true

let mark
let folder
let current // the event in work: {failure, logged, hinted}

main()
// Nothing is left that could settle the promise of the handler: that is told now, not after its time is up.
globalThis.addEventListener('beforeunload', (event) => {
  if (!current) return
  event.preventDefault()
  answer({ error: current.failure ?? 'The handler waits for what can never come: nothing is left that could settle it.' })
  current = undefined
  main()
})

async function main() {
  for (;;) {
    const frame = await read()
    if (frame === null) return
    if (frame.kind === 'L') load(parse(frame.body))
    else await handle(frame.body)
  }
}

// ---- frames

async function read() {
  const head = await exactly(4)
  if (head === null) return null
  const body = await exactly(new DataView(head.buffer).getUint32(0))
  return body && { kind: String.fromCharCode(body[0]), body: decoder.decode(body.subarray(1)) }
}

async function exactly(size) {
  const buffer = new Uint8Array(size)
  for (let at = 0; at < size; ) {
    const count = await stdin.read(buffer.subarray(at))
    if (count === null) return null
    at += count
  }
  return buffer
}

function answer(message, bytes) {
  write(encoder.encode(`\n\x1e${mark} ${stringify(message)}\n`))
  if (bytes) write(bytes)
}

function write(bytes) {
  for (let at = 0; at < bytes.length; ) at += stdout.writeSync(bytes.subarray(at))
}

// ---- what the program writes

function log(text) {
  if (!current || current.logged > MAX_LOG) return
  current.logged += text.length
  write(encoder.encode(`${text}\n`.slice(0, MAX_LOG)))
}

function fail(thing, texts) {
  if (!current || current.failure) return
  current.failure = described(thing) || texts || 'unknown'
}

function captureConsole() {
  for (const name of ['log', 'info', 'debug', 'warn', 'trace', 'dir', 'table']) {
    console[name] = (...args) => log(format(...args))
  }
  console.error = (...args) => {
    const text = format(...args)
    log(text)
    fail(args.find((arg) => arg instanceof Error), text)
  }
  console.assert = (met, ...args) => met || console.error('Assertion failed', ...args)
  for (const name of ['error', 'unhandledrejection']) {
    globalThis.addEventListener(name, (event) => {
      event.preventDefault()
      const thing = name === 'error' ? event.error : event.reason
      log(`Uncaught ${thing instanceof Error ? thing.stack : format(thing)}`)
      fail(thing, `Uncaught ${format(thing)}`)
    })
  }
}

// "TypeError: x is not a function, at agent.cjs:12:5: const y = x()"
function described(error) {
  if (!(error instanceof Error)) return undefined
  const summary = `${error.name}: ${error.message}`
  const place = /agent\.cjs:(\d+):(\d+)/.exec(error.stack || '')
  if (!place) return summary
  return `${summary}, at ${place[0]}: ${sourceLine(Number(place[1]), Number(place[2]))}`
}

function sourceLine(line, column) {
  let text = readFileSync(`${folder}/agent.cjs`, 'utf8').split('\n', line)[line - 1] || ''
  // the first line begins with the wrapper of a module, which is not the program's
  if (line === 1) text = text.slice(text.indexOf('{') + 1)
  const from = Math.max(0, Math.min(column - 60, text.length - 120))
  return text.slice(from, from + 120).trim()
}

// ---- the program

let route
let script
let startFailure

function load({ mark: given, folder: place, env, preload, tunnel, oneByte, opening, cached }) {
  mark = given
  folder = place
  current = { failure: undefined, logged: 0, hinted: new Set() }
  try {
    giveEnvironment(env)
    captureConsole()
    if (tunnel) require(tunnel.script)(tunnel)
    require(preload) // after the variables, which it reads
    route = routeOf(evaluate(oneByte, opening, cached))
  } catch (error) {
    log(error instanceof Error ? error.stack : format(error))
    const text = described(error) || format(error)
    startFailure = error instanceof SyntaxError ? text : `The program cannot be loaded: ${text}`
  }
}

function evaluate(oneByte, opening, cached) {
  const filename = BUNDLE
  const source = readFileSync(`${folder}/agent.cjs`, oneByte ? 'latin1' : 'utf8')
  const cachedData = cached ? readFileSync(`${folder}/agent.cache`) : undefined
  const options = { filename, cachedData, columnOffset: -opening }
  script = new vm.Script(source, options)
  if (cached && !script.cachedDataRejected) script.wasCached = true
  const module = { exports: {}, id: filename, filename, loaded: false, children: [], paths: [] }
  const run = script.runInThisContext()
  run.call(module.exports, module.exports, createRequire(filename), module, filename, '/agent')
  module.loaded = true
  return module.exports
}

function routeOf(exported) {
  for (const candidate of [exported, exported && exported.default]) {
    for (const name of ['routeEvent', 'dispatchEvent']) {
      if (candidate && typeof candidate[name] === 'function') return (event) => candidate[name](event)
    }
  }
  throw new Error('it exports neither dispatchEvent nor routeEvent; deploy it with the flatfile command line')
}

async function handle(body) {
  if (!current) current = { failure: undefined, logged: 0, hinted: new Set() }
  if (startFailure) current.failure = startFailure
  else {
    try {
      await route(parse(body))
    } catch (error) {
      log(error instanceof Error ? error.stack : format(error))
      fail(error, format(error))
    }
    await new Promise((resolve) => later(resolve)) // rejections that nobody handled are told by now
  }
  answer({ error: current.failure ?? null })
  current = undefined
  if (script) later(keepCompiled)
}

// The next start of this program compiles nothing that this one did.
function keepCompiled() {
  if (script && !script.wasCached) {
    const bytes = script.createCachedData()
    answer({ cache: bytes.length }, bytes)
  }
  script = undefined
  gc() // an idle agent keeps nothing of its loading
}

// ---- variables that are not there

const ORDINARY = /^(FLATFILE|AGENT|CROSSENV|NODE|npm|DENO|AWS|LAMBDA|NO_|FORCE_|COLOR|TERM|DEBUG|CI$|HOME$|TMPDIR$|PATH$)/

function giveEnvironment(own) {
  const env = new Proxy(own, {
    get(target, name) {
      const value = target[name]
      const strange = value === undefined && typeof name === 'string' && /^[A-Z][A-Z0-9_]{2,}$/.test(name)
      if (strange && !ORDINARY.test(name) && !/_PROXY$/.test(name) && current && !current.hinted.has(name)) {
        current.hinted.add(name)
        log(`${name} is not a variable of a hosted listener; use: await event.secrets("${name}")`)
      }
      return value
    },
    set(target, name, value) {
      target[name] = String(value)
      return true
    },
  })
  Object.defineProperty(process, 'env', { value: env, configurable: true, enumerable: true, writable: true })
}
